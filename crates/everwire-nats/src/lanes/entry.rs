//! A message on its way to a stream, and its place among the messages of its name.

use std::{fmt, sync::Arc};

use everwire::{Message, core::Cursor};
use jiff::Timestamp;

/// The position of a message among those of its name: later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The epoch of the name.
    pub epoch: u32,
    /// The number of the event within that epoch.
    pub seq: u64,
}

/// A message on its way to the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place.
    pub place: Place,
    /// The place of the message before it.
    pub previous: Option<Place>,
    /// Its arrival time.
    pub at: Timestamp,
    /// Its position over all names.
    pub cursor: Cursor,
    /// The subscription that it belongs to.
    pub subscription: Option<Arc<str>>,
    /// The message.
    pub message: Message,
    /// How many messages between `previous` and this one were dropped.
    pub gap: u64,
    /// It has a row in the spool.
    pub is_spooled: bool,
    /// It was published at least once by this process, or may have been by an earlier one.
    pub was_published: bool,
    /// The stream has refused it before.
    pub was_refused: bool,
}

/// The approximate memory of an entry besides its payload.
const OVERHEAD: usize = 256;

impl Entry {
    /// Its memory, or its space in the spool, in bytes.
    pub fn cost(&self) -> usize {
        self.message.len() + OVERHEAD
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.epoch, self.seq)
    }
}
