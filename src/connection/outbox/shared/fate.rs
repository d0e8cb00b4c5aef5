//! The fates of messages, and the waiters for them.

use crate::core::{Fate, IdempotencyKeys, Outbox};

use super::Locked;

impl Locked {
    /// The fate of a message; `None` if its id was not given out.
    pub(super) fn fate(&self, id: u64) -> Option<Fate> {
        let keys = self.keys.as_deref();
        fate_of(&self.outbox, keys, id)
    }

    pub(super) fn resolve_waiters(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let (outbox, keys, is_left) = (&self.outbox, self.keys.as_deref(), self.is_left);
        self.waiters
            .extract_if(.., |waiter| {
                waiter.answer.is_closed()
                    || is_left
                    || fate_of(outbox, keys, waiter.id)
                        .is_none_or(|fate| is_answer(fate, waiter.wanted))
            })
            .for_each(|waiter| {
                let fate = fate_of(outbox, keys, waiter.id).unwrap_or(Fate::Forgotten);
                // A receiver that is gone does not want to know.
                let _gone = waiter.answer.send(fate);
            });
        if self.waiters.is_empty() {
            self.waiters = Vec::new();
            self.confirm_through = 0;
        }
    }
}

/// The fate of a message. If it had a key, the fate is known even after the outbox has forgotten
/// it.
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
