//! One pass over a JSON text along the wanted places; everything else is skipped.

use super::{
    key::Key,
    scan::{MAX_DEPTH, Member, Quoted, Scan},
    unescape::unescape,
};

/// Knows the wanted places. A place is one value of the text, as the guide identifies it.
pub(super) trait Guide {
    type Place: Copy;

    /// Whether some way leads into an object at this place.
    fn has_members(&self, place: Self::Place) -> bool;

    /// Whether some way leads into an array at this place.
    fn has_elements(&self, place: Self::Place) -> bool;

    /// Whether a way may lead to a member whose key begins like this: a quick check that most keys
    /// fail.
    #[inline(always)]
    fn may_lead(&self, _: Self::Place, _head: u64) -> bool {
        true
    }

    /// The place of a member; `None` if no way leads there.
    fn member(&mut self, place: Self::Place, key: Key<'_>) -> Option<Self::Place>;

    /// The first element from this index on to which a way leads, with its index.
    fn element(&mut self, place: Self::Place, from: usize) -> Option<(usize, Self::Place)>;

    /// The byte range of the value at this place. An earlier result at the same place belongs to an
    /// earlier value of the same key.
    fn found(&mut self, place: Self::Place, from: usize, to: usize);
}

/// Reads the whole text; `None` if it is not JSON.
pub(super) fn walk<G: Guide>(text: &str, guide: &mut G, root: G::Place) -> Option<()> {
    let scan = Scan::new(text);
    let (first, start) = scan.token(0)?;
    let end = Walk { scan, guide }.value(first, start, root, 0)?;
    scan.is_over(end).then_some(())
}

struct Walk<'a, 'g, G> {
    scan: Scan<'a>,
    guide: &'g mut G,
}

/// These functions recurse, once for each bracket around a wanted place: at most [`MAX_DEPTH`]
/// times.
impl<G: Guide> Walk<'_, '_, G> {
    /// After the value that begins here with this byte.
    fn value(&mut self, first: u8, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        let end = match first {
            b'{' if self.guide.has_members(place) => self.object(at + 1, place, depth + 1)?,
            b'[' if self.guide.has_elements(place) => self.array(at + 1, place, depth + 1)?,
            _ => self.scan.value(first, at, depth)?,
        };
        self.guide.found(place, at, end);
        Some(end)
    }

    /// After a wanted value without brackets.
    #[inline(always)]
    fn scalar(&mut self, first: u8, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        let end = self.scan.value(first, at, depth)?;
        self.guide.found(place, at, end);
        Some(end)
    }

    fn object(&mut self, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        let scan = self.scan;
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut next, mut at) = scan.token(at)?;
        if next == b'}' {
            return Some(at + 1);
        }
        loop {
            let Member { key, first, value } = scan.member(next, at)?;
            let end = match self.member(place, at + 1, key) {
                Some(member) if matches!(first, b'{' | b'[') => {
                    self.value(first, value, member, depth)?
                }
                Some(member) => self.scalar(first, value, member, depth)?,
                None => scan.value(first, value, depth)?,
            };
            (next, at) = scan.token(end)?;
            if next != b',' {
                return (next == b'}').then_some(at + 1);
            }
            (next, at) = scan.token(at + 1)?;
        }
    }

    /// The place of the member with this key, which begins here.
    #[inline(always)]
    fn member(&mut self, place: G::Place, at: usize, key: Quoted) -> Option<G::Place> {
        if key.is_escaped {
            return self.escaped_member(place, at, key);
        }
        if !self.guide.may_lead(place, key.head) {
            return None;
        }
        let text = self.scan.bytes().get(at..key.end - 1)?;
        self.guide.member(place, Key::scanned(text, key))
    }

    #[cold]
    fn escaped_member(&mut self, place: G::Place, at: usize, key: Quoted) -> Option<G::Place> {
        let text = unescape(self.scan.text(at, key.end - 1)?)?;
        self.guide.member(place, Key::new(&text))
    }

    fn array(&mut self, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        let scan = self.scan;
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut next, mut at) = scan.token(at)?;
        if next == b']' {
            return Some(at + 1);
        }
        let mut wanted = self.guide.element(place, 0);
        for index in 0.. {
            let end = match wanted {
                Some((wanted_index, element)) if wanted_index == index => {
                    wanted = self.guide.element(place, index + 1);
                    self.value(next, at, element, depth)?
                }
                _ => scan.value(next, at, depth)?,
            };
            (next, at) = scan.token(end)?;
            if next != b',' {
                return (next == b']').then_some(at + 1);
            }
            (next, at) = scan.token(at + 1)?;
        }
        None
    }
}
