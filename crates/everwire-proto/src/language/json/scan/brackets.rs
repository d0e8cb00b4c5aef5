//! The open brackets, one bit for each.

/// How many brackets may be open at once, as in `serde_json`.
pub const MAX_DEPTH: usize = 127;

/// The open brackets around a place, the innermost in the lowest bit.
#[derive(Clone, Copy)]
pub(super) struct Brackets {
    are_objects: u128,
    open: usize,
}

impl Brackets {
    /// `depth` brackets are open around the scanned part, and none in it.
    #[inline(always)]
    pub(super) fn within(depth: usize) -> Self {
        Self {
            are_objects: 0,
            open: depth,
        }
    }

    /// Opens a bracket; `None` if that is too deep.
    #[inline(always)]
    pub(super) fn open(&mut self, is_object: bool) -> Option<()> {
        if self.open >= MAX_DEPTH {
            return None;
        }
        self.open += 1;
        self.are_objects = (self.are_objects << 1) | u128::from(is_object);
        Some(())
    }

    /// Closes the innermost bracket; `None` if it is of the other kind.
    #[inline(always)]
    pub(super) fn close(&mut self, bracket: u8) -> Option<()> {
        let closing = if self.in_object() { b'}' } else { b']' };
        if bracket != closing {
            return None;
        }
        self.are_objects >>= 1;
        self.open -= 1;
        Some(())
    }

    /// Whether the innermost is an object's.
    #[inline(always)]
    pub(super) fn in_object(self) -> bool {
        self.are_objects & 1 == 1
    }

    /// How many are open.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        self.open
    }
}
