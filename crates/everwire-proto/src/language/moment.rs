//! When an expression is evaluated, and with which chance.

use std::{fmt, time::Duration};

/// A source of random bytes, for nonces and keys of messages: it must not be guessable.
///
/// Each `Fn(&mut [u8])` is one.
pub trait Random {
    /// Fills these bytes.
    fn fill(&self, bytes: &mut [u8]);
}

impl<F: Fn(&mut [u8])> Random for F {
    fn fill(&self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// One moment: all expressions of a step are evaluated in the same one.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The time since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// Where random bytes come from.
    pub random: &'a dyn Random,
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({:?})", self.wall)
    }
}
