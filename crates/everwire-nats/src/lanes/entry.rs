//! A message on its way to a stream, and its place among those of its name.

use std::{fmt, sync::Arc};

use everwire::{Message, core::Cursor};
use jiff::Timestamp;

/// Where a message stands among those of its name: later ones have greater places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The life of the name.
    pub epoch: u32,
    /// The number of the event within that life.
    pub seq: u64,
}

/// A message on its way to the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it stands.
    pub place: Place,
    /// Where the message before it stood.
    pub previous: Option<Place>,
    /// When it came in.
    pub at: Timestamp,
    /// Its position over all names.
    pub cursor: Cursor,
    /// The subscription that it belongs to.
    pub subscription: Option<Arc<str>>,
    /// What it says.
    pub message: Message,
    /// How many messages between `previous` and this one were dropped.
    pub gap: u64,
    /// It has a row in the spool.
    pub is_spooled: bool,
    /// It was published at least once by this process, or may have been by an earlier one.
    pub was_published: bool,
    /// The stream has refused it.
    pub was_refused: bool,
}

/// What an entry takes beside its payload, about.
const OVERHEAD: usize = 256;

impl Entry {
    /// How much memory, or room in the spool, it takes; in bytes.
    pub fn cost(&self) -> usize {
        self.message.len() + OVERHEAD
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.epoch, self.seq)
    }
}
