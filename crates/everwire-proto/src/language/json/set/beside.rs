//! A set and a few pointers outside of it, all found in one pass.

use std::ops::Range;

use super::{Found, PointerSet, Spans};
use crate::language::json::{
    key::Key,
    lookup::{Way, Ways},
    pointer::JsonPointer,
    walk::{self, Guide},
};

impl PointerSet {
    /// Like [`find`](Self::find), and also finds the byte ranges of pointers that are not in the
    /// set, in the same pass.
    ///
    /// ```
    /// use everwire_proto::language::json::{JsonPointer, PointerSet, Spans};
    ///
    /// let mut pointers = PointerSet::default();
    /// let op = pointers.insert(&JsonPointer::new("/op")?);
    /// let (number, mut spans) = (JsonPointer::new("/d/s")?, Spans::default());
    /// let text = r#"{"op":0,"d":{"s":17}}"#;
    /// let (found, [number]) = pointers.find_beside([&number], text, &mut spans).ok_or("no JSON")?;
    /// assert_eq!(found.get(op).map(|value| value.as_str()), Some("0"));
    /// assert_eq!(number.map(|place| &text[place]), Some("17"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find_beside<'f, 'a, const N: usize>(
        &self,
        others: [&JsonPointer; N],
        text: &'a str,
        spans: &'f mut Spans,
    ) -> Option<(Found<'f, 'a>, [Option<Range<usize>>; N])> {
        let mut both = Both(self.search(spans), Ways::new(others));
        walk::walk(text, &mut both, (Some(0), Some(Way::ROOT)))?;
        let Both(search, ways) = both;
        Some((search.into_found(text), ways.into_found()))
    }
}

/// Two guides on one walk: each follows its own ways.
struct Both<A, B>(A, B);

impl<A: Guide, B: Guide> Guide for Both<A, B> {
    type Place = (Option<A::Place>, Option<B::Place>);

    #[inline]
    fn has_members(&self, (one, other): Self::Place) -> bool {
        one.is_some_and(|place| self.0.has_members(place))
            || other.is_some_and(|place| self.1.has_members(place))
    }

    #[inline]
    fn has_elements(&self, (one, other): Self::Place) -> bool {
        one.is_some_and(|place| self.0.has_elements(place))
            || other.is_some_and(|place| self.1.has_elements(place))
    }

    #[inline]
    fn may_lead(&self, (one, other): Self::Place, head: u64) -> bool {
        one.is_some_and(|place| self.0.may_lead(place, head))
            || other.is_some_and(|place| self.1.may_lead(place, head))
    }

    #[inline]
    fn member(&mut self, (one, other): Self::Place, key: Key<'_>) -> Option<Self::Place> {
        let one = one.and_then(|place| self.0.member(place, key));
        let other = other.and_then(|place| self.1.member(place, key));
        (one.is_some() || other.is_some()).then_some((one, other))
    }

    fn element(&mut self, (one, other): Self::Place, from: usize) -> Option<(usize, Self::Place)> {
        let one = one.and_then(|place| self.0.element(place, from));
        let other = other.and_then(|place| self.1.element(place, from));
        let next = one.iter().map(|(at, _)| *at);
        let next = next.chain(other.iter().map(|(at, _)| *at)).min()?;
        let one = one.filter(|(at, _)| *at == next).map(|(_, place)| place);
        let other = other.filter(|(at, _)| *at == next).map(|(_, place)| place);
        Some((next, (one, other)))
    }

    #[inline]
    fn found(&mut self, (one, other): Self::Place, from: usize, to: usize) {
        if let Some(place) = one {
            self.0.found(place, from, to);
        }
        if let Some(place) = other {
            self.1.found(place, from, to);
        }
    }
}
