//! What has become of a message, and who waits to be told.

use crate::core::{Fate, IdempotencyKeys, Outbox};

use super::Locked;

impl Locked {
    /// What has become of a message, if its id was given out.
    pub(super) fn fate(&self, id: u64) -> Option<Fate> {
        let keys = self.keys.as_deref();
        fate_of(&self.outbox, keys, id)
    }

    pub(super) fn resolve_waiters(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let (outbox, keys) = (&self.outbox, self.keys.as_deref());
        self.waiters
            .extract_if(.., |waiter| {
                waiter.answer.is_closed()
                    || fate_of(outbox, keys, waiter.id)
                        .is_none_or(|fate| is_answer(fate, waiter.wanted))
            })
            .for_each(|waiter| {
                let fate = fate_of(outbox, keys, waiter.id).unwrap_or(Fate::Forgotten);
                // A receiver that is gone no longer wants to know.
                let _gone = waiter.answer.send(fate);
            });
        if self.waiters.is_empty() {
            self.waiters = Vec::new();
            self.confirm_through = 0;
        }
    }
}

/// What has become of a message; of one with a key that also where the outbox has forgotten it.
fn fate_of(outbox: &Outbox, keys: Option<&IdempotencyKeys>, id: u64) -> Option<Fate> {
    match outbox.fate(id)? {
        Fate::Forgotten => keys.and_then(|keys| keys.end_of(id)),
        fate => return Some(fate),
    }
    .or(Some(Fate::Forgotten))
}

pub(super) fn is_answer(fate: Fate, wanted: Fate) -> bool {
    fate.reaches(wanted) || fate.is_final()
}
