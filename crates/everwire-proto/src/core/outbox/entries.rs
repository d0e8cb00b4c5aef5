//! The entries and results of an outbox.

use std::time::Instant;

use super::super::{Fate, Message};

/// A message in the outbox.
#[derive(Clone, Debug)]
pub struct Queued {
    /// Counts the accepted messages of a name, from 1.
    pub id: u64,
    /// The message.
    pub message: Message,
    /// When it expires.
    pub expires: Option<Instant>,
    /// Whether the peer may have it already: it was written to a socket that died before it was
    /// confirmed, or was left by an earlier process.
    pub doubt: bool,
}

/// The result of accepting a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The message's id.
    pub id: u64,
    /// How many older messages made room for it.
    pub evicted: u32,
}

/// Consecutive messages with the same fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FateRun {
    /// The first id.
    pub first: u64,
    /// The last id.
    pub last: u64,
    /// Their fate.
    pub fate: Fate,
    /// Whether they were written a second time.
    pub resent: bool,
}

/// How many messages were removed before they were written, or written again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The peer cannot have them.
    pub unsent: u64,
    /// The peer may have them.
    pub in_doubt: u64,
}

impl Removed {
    pub(super) fn count(&mut self, fate: Fate) {
        match fate {
            Fate::InDoubt => self.in_doubt += 1,
            _ => self.unsent += 1,
        }
    }
}

/// Changes for a store.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Messages that are not on disk yet, in order.
    pub put: Vec<Queued>,
    /// Runs of ids that it need not keep any more.
    pub gone: Vec<(u64, u64)>,
    /// The last id that was given out.
    pub last_id: u64,
}
