//! One pass over a JSON text along the places that somebody wants to see; what lies beside the way is skipped.

use super::{
    key::Key,
    scan::{MAX_DEPTH, Scan},
    unescape::unescape,
};

/// Who knows the way. A place is where one value of the text stands, as the guide tells it from others.
pub(super) trait Guide {
    type Place: Copy;

    /// Whether some way leads on into an object at this place.
    fn has_members(&self, place: Self::Place) -> bool;

    /// Whether some way leads on into an array at this place.
    fn has_elements(&self, place: Self::Place) -> bool;

    /// The place of a member; `None` if no way leads there.
    fn member(&mut self, place: Self::Place, key: Key<'_>) -> Option<Self::Place>;

    /// The first element from this index on to which a way leads, with its index.
    fn element(&mut self, place: Self::Place, from: usize) -> Option<(usize, Self::Place)>;

    /// The value at this place stands from here to there. What was found at the same place before belongs to an earlier value of the
    /// same key.
    fn found(&mut self, place: Self::Place, from: usize, to: usize);
}

/// Reads the whole text; `None` if it is no JSON.
pub(super) fn walk<G: Guide>(text: &str, guide: &mut G, root: G::Place) -> Option<()> {
    let scan = Scan::new(text);
    let (_, start) = scan.token(0)?;
    let end = Walk { scan, guide }.value(start, root, 0)?;
    scan.is_over(end).then_some(())
}

struct Walk<'a, 'g, G> {
    scan: Scan<'a>,
    guide: &'g mut G,
}

/// These call each other, once for each bracket around a place that is wanted: [`MAX_DEPTH`] times at most.
impl<G: Guide> Walk<'_, '_, G> {
    /// Behind the value that begins here.
    fn value(&mut self, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        let end = match self.scan.byte(at)? {
            b'{' if self.guide.has_members(place) => self.object(at + 1, place, depth + 1)?,
            b'[' if self.guide.has_elements(place) => self.array(at + 1, place, depth + 1)?,
            _ => self.scan.value(at, depth)?,
        };
        self.guide.found(place, at, end);
        Some(end)
    }

    fn object(&mut self, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (mut byte, mut at) = self.scan.token(at)?;
        if byte == b'}' {
            return Some(at + 1);
        }
        loop {
            if byte != b'"' {
                return None;
            }
            let key = self.scan.string(at + 1)?;
            let (_, value) = self.scan.token(self.scan.colon(key.end)?)?;
            let member = self.member(place, at + 1, key.end - 1, key.is_escaped);
            let end = match member {
                Some(member) => self.value(value, member, depth)?,
                None => self.scan.value(value, depth)?,
            };
            match self.scan.token(end)? {
                (b',', comma) => (byte, at) = self.scan.token(comma + 1)?,
                (b'}', end) => return Some(end + 1),
                _ => return None,
            }
        }
    }

    /// The place of the member whose key stands from here to there.
    #[inline]
    fn member(
        &mut self,
        place: G::Place,
        from: usize,
        to: usize,
        is_escaped: bool,
    ) -> Option<G::Place> {
        let text = self.scan.text(from, to)?;
        if is_escaped {
            return self.guide.member(place, Key::new(&unescape(text)?));
        }
        let key = Key::within(text, self.scan.bytes(), from);
        self.guide.member(place, key)
    }

    fn array(&mut self, at: usize, place: G::Place, depth: usize) -> Option<usize> {
        if depth > MAX_DEPTH {
            return None;
        }
        let (byte, mut at) = self.scan.token(at)?;
        if byte == b']' {
            return Some(at + 1);
        }
        let mut wanted = self.guide.element(place, 0);
        for index in 0.. {
            let end = match wanted {
                Some((next, element)) if next == index => {
                    wanted = self.guide.element(place, index + 1);
                    self.value(at, element, depth)?
                }
                _ => self.scan.value(at, depth)?,
            };
            match self.scan.token(end)? {
                (b',', comma) => (_, at) = self.scan.token(comma + 1)?,
                (b']', end) => return Some(end + 1),
                _ => return None,
            }
        }
        None
    }
}
