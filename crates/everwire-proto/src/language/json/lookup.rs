//! Lookup of one or a few pointers that are not in a set; and scalars as Rust values.

use std::{array, borrow::Cow, ops::Range};

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
    /// The scalar at this place of a JSON text; `None` if there is none, or the text is not JSON.
    ///
    /// The whole text is read, once. If a key occurs twice the last value counts, as for
    /// `serde_json` and JavaScript.
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

    /// The byte range of the value at this place in a JSON text; `None` if there is none, or the
    /// text is not JSON.
    pub fn locate(&self, text: &str) -> Option<Range<usize>> {
        let [found] = spans([self], text)?;
        let (from, to) = found?;
        Some(from..to)
    }

    /// The result of [`lookup`](Self::lookup) for each of these, in one pass. `None` if the text is
    /// not JSON, or one of the values is a scalar that no [`Scalar`] can hold: a number that is too
    /// large for a float, or a string with half a surrogate pair.
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
    /// The value at a pointer within this one, in one pass. A pointer that is known in advance is
    /// better put into a [`PointerSet`](super::PointerSet), which finds it together with others.
    pub fn at(&self, pointer: &JsonPointer) -> Option<Self> {
        let [found] = find([pointer], self.as_str())?;
        found
    }
}

impl<'a> Scalar<'a> {
    /// The scalar at this byte range of a JSON text; `None` for an object or an array, and for a
    /// value that no scalar can hold.
    pub fn at(text: &'a str, place: Range<usize>) -> Option<Self> {
        Self::of(RawJson::new(text.get(place)?))
    }

    /// `None` for a value that no scalar can hold.
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

/// The values at these pointers, in one pass; `None` if the text is not JSON.
fn find<'a, const N: usize>(
    pointers: [&JsonPointer; N],
    text: &'a str,
) -> Option<[Option<RawJson<'a>>; N]> {
    let value = |(from, to)| text.get(from..to).map(RawJson::new);
    Some(spans(pointers, text)?.map(|span| span.and_then(value)))
}

/// The byte ranges of the values at these pointers.
fn spans<const N: usize>(
    pointers: [&JsonPointer; N],
    text: &str,
) -> Option<[Option<(usize, usize)>; N]> {
    let mut ways = Ways::new(pointers);
    walk::walk(text, &mut ways, Way::ROOT)?;
    Some(ways.found)
}

/// A guide that compares each key with each of a few pointers.
pub(super) struct Ways<'p, const N: usize> {
    pointers: [&'p JsonPointer; N],
    /// The byte range of each value.
    found: [Option<(usize, usize)>; N],
}

/// The way to one value: its number of keys, and the pointers that begin with them.
#[derive(Clone, Copy)]
pub(super) struct Way<const N: usize> {
    steps: usize,
    pointers: [bool; N],
}

impl<const N: usize> Way<N> {
    /// The whole text.
    pub(super) const ROOT: Self = Self {
        steps: 0,
        pointers: [true; N],
    };
}

impl<'p, const N: usize> Ways<'p, N> {
    pub(super) fn new(pointers: [&'p JsonPointer; N]) -> Self {
        Self {
            pointers,
            found: [None; N],
        }
    }

    /// The byte range of each pointer's value.
    pub(super) fn into_found(self) -> [Option<Range<usize>>; N] {
        self.found.map(|found| found.map(|(from, to)| from..to))
    }

    /// The next key of a pointer that continues from here.
    #[inline]
    fn next(&self, way: Way<N>, pointer: usize) -> Option<&'p Step> {
        let step = self.pointers[pointer].steps().get(way.steps);
        step.filter(|_| way.pointers[pointer])
    }

    /// The way of those pointers whose next key matches. Their earlier results belong to an earlier
    /// value of the same key.
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

    #[inline(always)]
    fn may_lead(&self, way: Way<N>, head: u64) -> bool {
        (0..N).any(|at| {
            let next = self.next(way, at);
            next.is_some_and(|step| step.as_key().head() == head)
        })
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
