//! What the store has of a durable outbox, and what it has to be told.

use std::collections::VecDeque;

/// How far the store is behind the outbox. Bounded by the outbox: only what was handed to the store has to be taken back.
#[derive(Clone, Debug, Default)]
pub(super) struct PersistState {
    /// Up to this id messages were handed to the store.
    pub submitted: u64,
    /// Up to this id they are safe.
    pub stored: u64,
    /// The store cannot write at present.
    pub failing: bool,
    /// Ids that were handed to the store and have met their end since the last collection: runs in ascending order.
    gone: VecDeque<(u64, u64)>,
}

impl PersistState {
    /// What was stored before stays stored, up to `last_id`.
    pub fn restored(last_id: u64) -> Self {
        Self {
            submitted: last_id,
            stored: last_id,
            ..Self::default()
        }
    }

    /// The message has met its end: the store need not keep it.
    pub fn forget(&mut self, id: u64) {
        if id > self.submitted {
            return;
        }
        match self.gone.back_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => self.gone.push_back((id, id)),
        }
    }

    /// What has met its end since the last call.
    pub fn take_gone(&mut self) -> Vec<(u64, u64)> {
        self.gone.drain(..).collect()
    }

    /// Whether the store has something to forget.
    pub fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }
}
