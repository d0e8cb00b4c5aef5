//! How events are numbered.

use std::fmt;

/// The position of an event over all names of a process: what a reader resumes from. Opaque as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// Tells one run of a process from another.
    pub(crate) origin: u64,
    /// Grows with each event of that run.
    pub(crate) position: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.origin, self.position)
    }
}

/// Numbers a name's events within an epoch, from 1, without holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journal {
    epoch: u32,
    seq: u64,
}

impl Journal {
    /// The journal of a new epoch.
    pub fn new(epoch: u32) -> Self {
        Self { epoch, seq: 0 }
    }

    /// The fencing number of this life of the name.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The number of the last event, 0 before the first.
    pub fn last(&self) -> u64 {
        self.seq
    }

    /// The number of the next event.
    pub fn advance(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}
