//! The exchange between an outbox and a store.

use super::{Changes, Outbox};

impl Outbox {
    /// The changes for a store since the last call: messages to put, ids to forget.
    pub fn changes(&mut self) -> Changes {
        let Some(persist_state) = &mut self.persist_state else {
            return Changes::default();
        };
        let from = self
            .queue
            .partition_point(|q| q.id <= persist_state.submitted);
        let put = self.queue.range(from..).cloned().collect();
        persist_state.submitted = self.last_id;
        Changes {
            put,
            gone: persist_state.take_gone(),
            last_id: self.last_id,
        }
    }

    /// The store has lost its data: [`changes`](Self::changes) returns everything again.
    pub fn store_was_lost(&mut self) {
        if let Some(persist_state) = &mut self.persist_state {
            persist_state.submitted = 0;
        }
    }

    /// Whether [`changes`](Self::changes) has something to return.
    pub fn has_changes(&self) -> bool {
        let persist_state = self.persist_state.as_ref();
        persist_state.is_some_and(|persist_state| {
            persist_state.submitted < self.last_id || persist_state.has_gone()
        })
    }

    /// The store has everything up to `id` safe on disk.
    pub fn stored(&mut self, id: u64) {
        if let Some(persist_state) = &mut self.persist_state {
            persist_state.stored = persist_state.stored.max(id);
            persist_state.failing = false;
        }
    }

    /// The store cannot write: new messages are refused until [`stored`](Self::stored). `true` if
    /// this is news.
    pub fn store_failed(&mut self) -> bool {
        let persist_state = self.persist_state.as_mut();
        // A held outbox has reported it already.
        let is_news = persist_state
            .is_some_and(|persist_state| !std::mem::replace(&mut persist_state.failing, true));
        is_news && !self.is_held()
    }

    pub(super) fn forget_stored(&mut self, first: u64, last: u64) {
        if let Some(persist_state) = &mut self.persist_state {
            (first..=last).for_each(|id| persist_state.forget(id));
        }
    }
}
