//! One pointer, or a few of them, that are not made into a set first; and scalars as values of Rust's.

use std::{array, borrow::Cow};

use super::{
    key::{Key, Step},
    pointer::JsonPointer,
    raw::{Kind, RawJson},
    walk::{self, Guide},
};

/// A value of a JSON text that is neither an object nor an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that is not negative.
    Unsigned(u64),
    /// A negative integer.
    Signed(i64),
    /// A number with a fraction or an exponent, or one that is too large for the others.
    Float(f64),
    /// A string, borrowed from the text where it has no escapes.
    Text(Cow<'a, str>),
}

impl JsonPointer {
    /// The scalar at this place of a JSON text; `None` if there is none, or the text is no JSON.
    ///
    /// The whole text is read, once. Of a key that is there twice the last value counts, as it does for `serde_json` and
    /// for JavaScript.
    ///
    /// ```
    /// use everwire_proto::language::{JsonPointer, Scalar};
    ///
    /// let text = r#"{"stream":"btc","data":{"t":17}}"#;
    /// assert_eq!(JsonPointer::new("/data/t")?.lookup(text), Some(Scalar::Unsigned(17)));
    /// assert_eq!(JsonPointer::new("/data")?.lookup(text), None);
    /// # Ok::<(), everwire_proto::language::InvalidPointer>(())
    /// ```
    pub fn lookup<'a>(&self, text: &'a str) -> Option<Scalar<'a>> {
        let [found] = Self::lookup_all([self], text)?;
        found
    }

    /// What [`lookup`](Self::lookup) finds for each of these, in one pass; `None` if the text is no JSON, or one of the values is a
    /// scalar that no [`Scalar`] can hold: a number that is too large for a float, or a string with half a surrogate pair.
    pub fn lookup_all<'a, const N: usize>(
        pointers: [&Self; N],
        text: &'a str,
    ) -> Option<[Option<Scalar<'a>>; N]> {
        let mut found = [const { None }; N];
        for (found, value) in found.iter_mut().zip(find(pointers, text)?) {
            let value = value.filter(|value| !value.kind().is_container());
            *found = match value {
                Some(value) => Some(Scalar::of(value)?),
                None => None,
            };
        }
        Some(found)
    }
}

impl RawJson<'_> {
    /// The value that a pointer points at within this one, in one pass. Where the pointer is known before the text comes, a
    /// [`PointerSet`](super::PointerSet) finds it together with others.
    pub fn at(&self, pointer: &JsonPointer) -> Option<Self> {
        let [found] = find([pointer], self.as_str())?;
        found
    }
}

impl<'a> Scalar<'a> {
    /// `None` for what no scalar can hold.
    fn of(value: RawJson<'a>) -> Option<Self> {
        Some(match value.kind() {
            Kind::Null => Self::Null,
            Kind::Bool => Self::Bool(value.as_bool()?),
            Kind::Text => Self::Text(value.as_text()?),
            Kind::Number => Self::number(value.as_str())?,
            Kind::Array | Kind::Object => return None,
        })
    }

    /// As `serde_json` reads it: `-0` is a float.
    fn number(written: &str) -> Option<Self> {
        if let Ok(number) = written.parse() {
            return Some(Self::Unsigned(number));
        }
        match written.parse() {
            Ok(number) if number < 0 => Some(Self::Signed(number)),
            _ => serde_json::from_str(written).ok().map(Self::Float),
        }
    }
}

/// The values that these pointers point at, in one pass; `None` if the text is no JSON.
fn find<'a, const N: usize>(
    pointers: [&JsonPointer; N],
    text: &'a str,
) -> Option<[Option<RawJson<'a>>; N]> {
    let mut ways = Ways {
        pointers,
        found: [None; N],
    };
    let root = Way {
        steps: 0,
        pointers: [true; N],
    };
    walk::walk(text, &mut ways, root)?;
    let value = |(from, to)| text.get(from..to).map(RawJson::new);
    Some(ways.found.map(|span| span.and_then(value)))
}

/// A guide that compares each key with each of a few pointers.
struct Ways<'p, const N: usize> {
    pointers: [&'p JsonPointer; N],
    /// From where to where the value of each stands.
    found: [Option<(usize, usize)>; N],
}

/// The way to one value: how many keys it took, and which pointers begin with them.
#[derive(Clone, Copy)]
struct Way<const N: usize> {
    steps: usize,
    pointers: [bool; N],
}

impl<'p, const N: usize> Ways<'p, N> {
    /// The next key of a pointer that goes on from here.
    #[inline]
    fn next(&self, way: Way<N>, pointer: usize) -> Option<&'p Step> {
        let step = self.pointers[pointer].steps().get(way.steps);
        step.filter(|_| way.pointers[pointer])
    }

    /// The way of those pointers on which this holds of their next key. What they have found before belongs to an earlier value of
    /// the same key.
    #[inline]
    fn below(&mut self, way: Way<N>, is_next: impl Fn(&Step) -> bool) -> Option<Way<N>> {
        let pointers = array::from_fn(|at| self.next(way, at).is_some_and(&is_next));
        for (found, leads_on) in self.found.iter_mut().zip(pointers) {
            if leads_on {
                *found = None;
            }
        }
        let steps = way.steps + 1;
        pointers.contains(&true).then_some(Way { steps, pointers })
    }
}

impl<const N: usize> Guide for Ways<'_, N> {
    type Place = Way<N>;

    #[inline]
    fn has_members(&self, way: Way<N>) -> bool {
        (0..N).any(|at| self.next(way, at).is_some())
    }

    #[inline]
    fn has_elements(&self, way: Way<N>) -> bool {
        self.has_members(way)
    }

    #[inline]
    fn member(&mut self, way: Way<N>, key: Key<'_>) -> Option<Way<N>> {
        self.below(way, |step| step.is(key))
    }

    fn element(&mut self, way: Way<N>, from: usize) -> Option<(usize, Way<N>)> {
        let indices = (0..N).filter_map(|at| self.next(way, at)?.index());
        let next = indices.filter(|at| *at >= from).min()?;
        let below = self.below(way, |step| step.index() == Some(next))?;
        Some((next, below))
    }

    #[inline]
    fn found(&mut self, way: Way<N>, from: usize, to: usize) {
        for (at, found) in self.found.iter_mut().enumerate() {
            if way.pointers[at] && self.pointers[at].steps().len() == way.steps {
                *found = Some((from, to));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::{Map, Value};

    use super::*;

    fn pointer(text: &str) -> JsonPointer {
        JsonPointer::new(text).unwrap()
    }

    fn lookup<'a>(path: &str, text: &'a str) -> Option<Scalar<'a>> {
        pointer(path).lookup(text)
    }

    #[test]
    fn each_kind_of_scalar_is_found() {
        let text =
            r#"{"a":[null,true,17,-17,1.5,"x","\u00e4\n",18446744073709551616],"~/":{"":"empty"}}"#;
        for (path, expected) in [
            ("/a/0", Scalar::Null),
            ("/a/1", Scalar::Bool(true)),
            ("/a/2", Scalar::Unsigned(17)),
            ("/a/3", Scalar::Signed(-17)),
            ("/a/4", Scalar::Float(1.5)),
            ("/a/5", Scalar::Text("x".into())),
            ("/a/6", Scalar::Text("ä\n".into())),
            ("/a/7", Scalar::Float(18_446_744_073_709_551_616.0)),
            ("/~0~1/", Scalar::Text("empty".into())),
        ] {
            assert_eq!(lookup(path, text), Some(expected), "{path}");
        }
        assert!(matches!(
            lookup("/a/5", text),
            Some(Scalar::Text(Cow::Borrowed("x")))
        ));
        assert_eq!(lookup("", " 5 "), Some(Scalar::Unsigned(5)));
    }

    #[test]
    fn where_nothing_stands_nothing_is_found() {
        let text = r#"{"a":[1,{"b":2}],"01":3}"#;
        for path in [
            "", "/a", "/a/1", "/a/2", "/a/-", "/a/00", "/a/+0", "/a/01", "/b", "/a/0/0", "/A",
        ] {
            assert_eq!(lookup(path, text), None, "{path}");
        }
        assert_eq!(lookup("/01", text), Some(Scalar::Unsigned(3)));
    }

    #[test]
    fn what_is_no_json_has_no_values() {
        for text in [
            "",
            "{",
            r#"{"a":1"#,
            r#"{"a":1}}"#,
            r#"{"a":1} x"#,
            r#"{"a":1,"b":}"#,
            "ping",
        ] {
            assert_eq!(lookup("/a", text), None, "{text}");
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(lookup("/a", &deep), None);
        let as_deep_as_can_be = "/0".repeat(512);
        assert_eq!(lookup(&as_deep_as_can_be, &deep), None);
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_value_counts() {
        assert_eq!(lookup("/a", r#"{"a":1,"a":2}"#), Some(Scalar::Unsigned(2)));
        assert_eq!(lookup("/a/b", r#"{"a":{"b":1},"a":{}}"#), None);
        assert_eq!(lookup("/a/b", r#"{"a":{"b":1},"a":3}"#), None);
        assert_eq!(lookup("/a", r#"{"a":1,"a":[]}"#), None);
    }

    #[test]
    fn several_pointers_take_one_pass() {
        let text = r#"{"data":{"t":7,"u":8},"stream":"btc"}"#;
        let pointers = ["/data/t", "/stream", "/data/u", "/data", "/data/t"].map(pointer);
        let found = JsonPointer::lookup_all(pointers.each_ref(), text).unwrap();
        let number = |n| Some(Scalar::Unsigned(n));
        let expected = [
            number(7),
            Some(Scalar::Text("btc".into())),
            number(8),
            None,
            number(7),
        ];
        assert_eq!(found, expected);
        assert_eq!(JsonPointer::lookup_all(pointers.each_ref(), "ping"), None);
    }

    fn scalar(value: &Value) -> Option<Scalar<'_>> {
        Some(match value {
            Value::Null => Scalar::Null,
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Scalar::Unsigned(number),
                (None, Some(number)) => Scalar::Signed(number),
                (None, None) => Scalar::Float(number.as_f64()?),
            },
            Value::String(text) => Scalar::Text(text.into()),
            Value::Array(_) | Value::Object(_) => return None,
        })
    }

    fn key() -> impl Strategy<Value = String> {
        prop_oneof!["[ab~/0]{0,2}", "(0|1|00|-|\"|\\\\|ä)"]
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(|number: f64| Value::from(number)),
            key().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                vec((key(), inner), 0..5)
                    .prop_map(|entries| Value::from(entries.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    /// Pointers to all values, and some beside them.
    fn paths(value: &Value, at: &str, paths: &mut Vec<String>) {
        let mut step = |key: &str, value: &Value| {
            let key = key.replace('~', "~0").replace('/', "~1");
            self::paths(value, &format!("{at}/{key}"), paths);
        };
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(at, item)| step(&at.to_string(), item)),
            Value::Object(map) => map.iter().for_each(|(key, value)| step(key, value)),
            _ => {}
        }
        paths.push(at.to_owned());
        paths.push(format!("{at}/1"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn each_value_of_a_tree_is_found_in_its_text(value in json(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            // Floats are what serde_json reads of them, which is not always what was written.
            let value: Value = serde_json::from_str(&text).unwrap();
            let mut all = Vec::new();
            paths(&value, "", &mut all);
            for pair in all.windows(2) {
                let pointers = [pointer(&pair[0]), pointer(&pair[1])];
                let expected = [0, 1].map(|at| value.pointer(&pair[at]).and_then(scalar));
                prop_assert_eq!(pointers[0].lookup(&text), expected[0].clone(), "{} in {}", pair[0], text);
                let both = JsonPointer::lookup_all(pointers.each_ref(), &text);
                prop_assert_eq!(both, Some(expected), "{:?} in {}", pointers, text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}:,\"\\\\a0-9.e+-]{0,30}", path in "(/[a0-9]?){0,4}") {
            let found = pointer(&path).lookup(&text);
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let expected = value.pointer(&path).and_then(scalar);
                prop_assert_eq!(found, expected, "{} in {}", path, text);
            }
        }
    }
}
