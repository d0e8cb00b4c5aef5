//! The numbers of events.

use std::{fmt, str::FromStr};

/// The position of an event over all names, and over restarts of the process, from which a reader
/// resumes. Its text form is opaque.
///
/// ```
/// use everwire_proto::core::Cursor;
///
/// let cursor: Cursor = "6611befa45017".parse()?;
/// assert_eq!(cursor.to_string(), "6611befa45017");
/// assert!("yesterday".parse::<Cursor>().is_err());
/// # Ok::<(), everwire_proto::core::InvalidCursor>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor(
    /// The position: it only grows from event to event, and has no other meaning.
    pub u64,
);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// The text is not a cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid cursor {0:?}; take the `cursor` of an event as it is")]
pub struct InvalidCursor(String);

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let position = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
        position
            .map(Self)
            .ok_or_else(|| InvalidCursor(text.to_owned()))
    }
}

/// Numbers a name's events within an epoch, from 1, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCounter {
    epoch: u32,
    seq: u64,
}

impl EventCounter {
    /// The counter of a new epoch.
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

    /// Takes the next `events` numbers; returns the first.
    pub fn advance(&mut self, events: u64) -> u64 {
        let first = self.seq + 1;
        self.seq += events;
        first
    }
}
