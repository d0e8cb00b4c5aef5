//! What callers want of subscriptions, as it is changed where the actor does not answer: it may be dead, not there yet, or kept from its turn.

use std::sync::{Arc, atomic::Ordering};

use everwire_proto::dialogue::Holder;
use parking_lot::MutexGuard;

use super::SharedOutbox;
use crate::{
    connection::outbox::wishes::{RecalledWish, Wishes},
    memory::MemoryBudget,
};

impl SharedOutbox {
    /// What callers want. Who changes it here is the actor, which knows.
    pub(in crate::connection) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock()
    }

    /// A caller wants this since an earlier process. Whether it can be had is seen by the actor, when it looks.
    pub fn recall_wish(&self, recalled: RecalledWish, memory: &Arc<MemoryBudget>) {
        let RecalledWish {
            key,
            wish,
            holder,
            compile,
        } = recalled;
        let mut wishes = self.wishes.lock();
        wishes.recall(&key, wish, holder, compile, memory);
        drop(wishes);
        self.wishes_have_changed();
    }

    /// A caller wants this no more, and nobody can tell the actor.
    pub fn unwish(&self, key: &str, holder: Holder) {
        {
            let mut wishes = self.wishes.lock();
            if !wishes.has(key, holder) {
                return;
            }
            wishes.remove(key, holder);
        }
        self.wishes_have_changed();
    }

    /// A new actor knows nothing of them.
    pub fn wishes_are_unknown(&self) {
        let any = self.wishes.lock().version() > 0;
        self.wishes_changed.store(any, Ordering::SeqCst);
    }

    /// Whether they have changed without the actor; it looks at them now.
    #[inline]
    pub fn take_wishes_changed(&self) -> bool {
        self.wishes_changed.load(Ordering::SeqCst)
            && self.wishes_changed.swap(false, Ordering::SeqCst)
    }

    /// Wakes the actor. It looks at the flag behind each turn, after it has left its waker: one of both sees the other.
    fn wishes_have_changed(&self) {
        self.wishes_changed.store(true, Ordering::SeqCst);
        let waker = self.locked.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
