//! Which brackets are open, a bit for each.

/// How many brackets may be open at once. `serde_json` has the same bound.
pub const MAX_DEPTH: usize = 127;

/// The brackets that are open around a place, the innermost in the lowest bit.
#[derive(Clone, Copy)]
pub(super) struct Brackets {
    are_objects: u128,
    open: usize,
}

impl Brackets {
    /// None is open yet but so many around what is looked at.
    #[inline(always)]
    pub(super) fn within(depth: usize) -> Self {
        Self {
            are_objects: 0,
            open: depth,
        }
    }

    /// One is opened; `None` if that is too deep.
    #[inline(always)]
    pub(super) fn open(&mut self, is_object: bool) -> Option<()> {
        if self.open >= MAX_DEPTH {
            return None;
        }
        self.open += 1;
        self.are_objects = (self.are_objects << 1) | u128::from(is_object);
        Some(())
    }

    /// The innermost is closed by this; `None` if it is of the other kind.
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
