//! Finding what pointers point at in one pass over a JSON text, without a tree of what is beside the way.

use std::{array, borrow::Cow, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::JsonPointer;

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

    /// What [`lookup`](Self::lookup) finds for each of these, in one pass; `None` if the text is no JSON.
    pub fn lookup_all<'a, const N: usize>(
        pointers: [&Self; N],
        text: &'a str,
    ) -> Option<[Option<Scalar<'a>>; N]> {
        let mut found = array::from_fn(|_| None);
        let walk = Walk {
            pointers: &pointers,
            found: &mut found,
            depth: 0,
            active: [true; N],
        };
        let mut text = serde_json::Deserializer::from_str(text);
        walk.deserialize(&mut text).ok()?;
        text.end().ok()?;
        Some(found)
    }
}

/// The way to one value: the pointers that have led to it so far, and how many of their keys that took.
///
/// It is as deep as the longest pointer at most; `serde_json` stops at 128.
struct Walk<'p, 'f, 'a, const N: usize> {
    pointers: &'p [&'p JsonPointer; N],
    found: &'f mut [Option<Scalar<'a>>; N],
    depth: usize,
    active: [bool; N],
}

impl<'a, const N: usize> Walk<'_, '_, 'a, N> {
    /// The next key of a pointer that goes on from here.
    fn key(&self, pointer: usize) -> Option<&str> {
        let keys = &self.pointers[pointer].0;
        let key = keys.get(self.depth).filter(|_| self.active[pointer]);
        key.map(|key| &**key)
    }

    /// The way to a value inside this one. What was found there before belongs to an earlier value of the same key.
    fn below(&mut self, active: [bool; N]) -> Walk<'_, '_, 'a, N> {
        for (found, active) in self.found.iter_mut().zip(active) {
            if active {
                *found = None;
            }
        }
        Walk {
            pointers: self.pointers,
            found: self.found,
            depth: self.depth + 1,
            active,
        }
    }

    /// A scalar is here: the pointers that end here have found it.
    fn arrive(self, scalar: Scalar<'a>) {
        for (at, found) in self.found.iter_mut().enumerate() {
            if self.active[at] && self.pointers[at].0.len() == self.depth {
                *found = Some(scalar.clone());
            }
        }
    }
}

impl<'a, const N: usize> DeserializeSeed<'a> for Walk<'_, '_, 'a, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for Walk<'_, '_, 'a, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.arrive(Scalar::Null);
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.arrive(Scalar::Bool(value));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.arrive(Scalar::Unsigned(value));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.arrive(Scalar::Signed(value));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.arrive(Scalar::Float(value));
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'a str) -> Result<(), E> {
        self.arrive(Scalar::Text(value.into()));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.arrive(Scalar::Text(value.to_owned().into()));
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(active) = map.next_key_seed(Key(&self))? {
            if active.contains(&true) {
                map.next_value_seed(self.below(active))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let wanted: [_; N] = array::from_fn(|pointer| self.key(pointer).and_then(index));
        for at in 0.. {
            let active = wanted.map(|index| index == Some(at));
            let more = if active.contains(&true) {
                seq.next_element_seed(self.below(active))?.is_some()
            } else {
                seq.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// An index into an array (RFC 6901 §4): digits without a leading zero.
fn index(key: &str) -> Option<usize> {
    let digits = key.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (key == "0" || !key.starts_with('0'));
    key.parse().ok().filter(|_| canonical)
}

/// Which pointers go on with a key of an object.
struct Key<'w, 'p, 'f, 'a, const N: usize>(&'w Walk<'p, 'f, 'a, N>);

impl<'a, const N: usize> DeserializeSeed<'a> for Key<'_, '_, '_, '_, N> {
    type Value = [bool; N];

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<[bool; N], D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a, const N: usize> Visitor<'a> for Key<'_, '_, '_, '_, N> {
    type Value = [bool; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<[bool; N], E> {
        Ok(array::from_fn(|pointer| self.0.key(pointer) == Some(key)))
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
