//! The changes for the next commit.

use std::{collections::HashSet, mem};

use crate::{
    core::ConnectionName,
    stored::{StoredEvent, StoredMessage},
};

/// Changes of any number of names, in order, that are committed together.
///
/// A cleared batch keeps its memory for the next changes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Name(ConnectionName, NameChange),
    Put {
        kind: String,
        key: String,
        value: Vec<u8>,
    },
    Delete {
        kind: String,
        key: String,
    },
    /// Deletes all keys with this prefix.
    DeleteUnder {
        kind: String,
        prefix: String,
    },
}

/// One change of a name.
#[derive(Clone, Debug)]
pub(super) enum NameChange {
    PutMessage(StoredMessage),
    /// The first and the last id.
    DropIds(u64, u64),
    Closed(bool),
    Epoch(u32),
    AppendHistory(StoredEvent),
    TrimHistory {
        messages: usize,
        bytes: usize,
    },
    Forget,
}

impl Batch {
    /// A message was accepted.
    pub fn put_message(&mut self, name: &ConnectionName, message: StoredMessage) {
        self.push(name, NameChange::PutMessage(message));
    }

    /// All messages up to this id are gone, with this one.
    pub fn drop_through(&mut self, name: &ConnectionName, id: u64) {
        self.push(name, NameChange::DropIds(0, id));
    }

    /// The messages from `first` to `last` are gone, with both ends.
    pub fn drop_ids(&mut self, name: &ConnectionName, first: u64, last: u64) {
        self.push(name, NameChange::DropIds(first, last));
    }

    /// Sets whether the name was closed by hand.
    pub fn set_closed(&mut self, name: &ConnectionName, closed: bool) {
        self.push(name, NameChange::Closed(closed));
    }

    /// The name begins a new life.
    pub fn set_epoch(&mut self, name: &ConnectionName, epoch: u32) {
        self.push(name, NameChange::Epoch(epoch));
    }

    /// A message was received. Positions only grow: they continue behind
    /// [`Recovered::position`](super::Recovered::position).
    pub fn append_history(&mut self, name: &ConnectionName, event: StoredEvent) {
        self.push(name, NameChange::AppendHistory(event));
    }

    /// Limits the history to the newest messages: at most this number of messages, and at most this
    /// number of payload bytes. The newest message may exceed the bytes.
    pub fn trim_history(&mut self, name: &ConnectionName, messages: usize, bytes: usize) {
        self.push(name, NameChange::TrimHistory { messages, bytes });
    }

    /// The name was removed; all its data is deleted.
    pub fn forget(&mut self, name: &ConnectionName) {
        self.push(name, NameChange::Forget);
    }

    /// Stores a value. It replaces an older one with the same kind and key.
    pub fn put(&mut self, kind: &str, key: &str, value: &[u8]) {
        self.changes.push(Change::Put {
            kind: kind.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        });
    }

    /// Deletes a value, if it exists.
    pub fn delete(&mut self, kind: &str, key: &str) {
        self.changes.push(Change::Delete {
            kind: kind.to_owned(),
            key: key.to_owned(),
        });
    }

    /// Deletes all values of a kind whose keys have this prefix.
    pub fn delete_under(&mut self, kind: &str, prefix: &str) {
        self.changes.push(Change::DeleteUnder {
            kind: kind.to_owned(),
            prefix: prefix.to_owned(),
        });
    }

    /// The number of changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there are no changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Removes all changes, and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.changes.clear();
    }

    /// Removes changes that a later change makes pointless, for a batch that grows while it waits.
    ///
    /// Of each value, of each epoch and of each close by hand, only the last change stays. Of a
    /// forgotten name, all earlier changes go.
    pub fn compact(&mut self) {
        let mut seen = HashSet::new();
        let mut forgotten = HashSet::new();
        let mut kept: Vec<_> = mem::take(&mut self.changes)
            .into_iter()
            .rev()
            .filter(|change| match change {
                Change::Put { kind, key, .. } | Change::Delete { kind, key } => {
                    seen.insert((kind.clone(), key.clone()))
                }
                Change::DeleteUnder { .. } => true,
                Change::Name(name, change) => {
                    let is_last = match change {
                        NameChange::Closed(_) => seen.insert(("closed".into(), name.to_string())),
                        NameChange::Epoch(_) => seen.insert(("epoch".into(), name.to_string())),
                        _ => true,
                    };
                    let is_gone = forgotten.contains(name);
                    if matches!(change, NameChange::Forget) {
                        forgotten.insert(name.clone());
                    }
                    is_last && !is_gone
                }
            })
            .collect();
        kept.reverse();
        self.changes = kept;
    }

    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    fn push(&mut self, name: &ConnectionName, change: NameChange) {
        self.changes.push(Change::Name(name.clone(), change));
    }
}
