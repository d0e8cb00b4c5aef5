//! The store's state of a durable outbox, and its pending changes.

use std::collections::VecDeque;

/// How far the store is behind the outbox. Bounded by the outbox: only messages that were handed to
/// the store must be removed there.
#[derive(Clone, Debug, Default)]
pub(super) struct PersistState {
    /// Messages up to this id were handed to the store.
    pub submitted: u64,
    /// Messages up to this id are safe.
    pub stored: u64,
    /// The store cannot write at present.
    pub failing: bool,
    /// Ids that were handed to the store and have ended since the last collection: runs in
    /// ascending order.
    gone: VecDeque<(u64, u64)>,
}

impl PersistState {
    /// Messages up to `last_id` were stored before.
    pub fn restored(last_id: u64) -> Self {
        Self {
            submitted: last_id,
            stored: last_id,
            ..Self::default()
        }
    }

    /// The message has ended: the store need not keep it.
    pub fn forget(&mut self, id: u64) {
        if id > self.submitted {
            return;
        }
        match self.gone.back_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => self.gone.push_back((id, id)),
        }
    }

    /// The ids that have ended since the last call.
    pub fn take_gone(&mut self) -> Vec<(u64, u64)> {
        self.gone.drain(..).collect()
    }

    /// Whether the store has something to forget.
    pub fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }
}
