//! One pointer, or a few of them, that are not made into a set first; and scalars as values of Rust's.

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

    /// From where to where in a JSON text the value at this place stands; `None` if there is none, or the text is no JSON.
    pub fn locate(&self, text: &str) -> Option<Range<usize>> {
        let [found] = spans([self], text)?;
        let (from, to) = found?;
        Some(from..to)
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
    /// The scalar that stands here in a JSON text; `None` for an object or an array, and for what no scalar can hold.
    pub fn at(text: &'a str, place: Range<usize>) -> Option<Self> {
        Self::of(RawJson::new(text.get(place)?))
    }

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
    let value = |(from, to)| text.get(from..to).map(RawJson::new);
    Some(spans(pointers, text)?.map(|span| span.and_then(value)))
}

/// From where to where the values stand that these pointers point at.
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
    /// From where to where the value of each stands.
    found: [Option<(usize, usize)>; N],
}

/// The way to one value: how many keys it took, and which pointers begin with them.
#[derive(Clone, Copy)]
pub(super) struct Way<const N: usize> {
    steps: usize,
    pointers: [bool; N],
}

impl<const N: usize> Way<N> {
    /// To the whole text.
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

    /// From where to where the value of each pointer stands.
    pub(super) fn into_found(self) -> [Option<Range<usize>>; N] {
        self.found.map(|found| found.map(|(from, to)| from..to))
    }

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
