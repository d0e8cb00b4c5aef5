//! The time and the randomness of an evaluation.

use std::{fmt, time::Duration};

/// A source of random bytes, for nonces and keys of messages: it must be unpredictable.
///
/// Each `Fn(&mut [u8])` is one.
pub trait Random {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

impl<F: Fn(&mut [u8])> Random for F {
    fn fill(&self, bytes: &mut [u8]) {
        self(bytes);
    }
}

/// The time and randomness that all expressions of a step share.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// The time since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// The source of random bytes.
    pub random: &'a dyn Random,
}

impl fmt::Debug for Moment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Moment({:?})", self.wall)
    }
}
