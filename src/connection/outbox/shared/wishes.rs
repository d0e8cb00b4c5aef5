//! Callers' subscriptions, as they change without the actor: it may be dead, not started yet, or
//! waiting for its turn.

use std::sync::{Arc, atomic::Ordering};

use everwire_proto::dialogue::Holder;
use parking_lot::MutexGuard;

use super::SharedOutbox;
use crate::{
    connection::outbox::wishes::{RecalledWish, Wishes},
    memory::MemoryBudget,
};

impl SharedOutbox {
    /// The wishes of callers. The actor itself changes them through this.
    pub(in crate::connection) fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock()
    }

    /// Restores the wish of a caller from an earlier process. The actor checks it when it looks.
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

    /// Removes a caller's wish without the actor.
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

    /// A new actor does not know the wishes.
    pub fn wishes_are_unknown(&self) {
        let any = self.wishes.lock().version() > 0;
        self.wishes_changed.store(any, Ordering::SeqCst);
    }

    /// Whether they have changed without the actor, which looks at them now.
    #[inline]
    pub fn take_wishes_changed(&self) -> bool {
        self.wishes_changed.load(Ordering::SeqCst)
            && self.wishes_changed.swap(false, Ordering::SeqCst)
    }

    /// Wakes the actor. It checks the flag after each turn, once it has stored its waker, so one of
    /// both sees the other.
    fn wishes_have_changed(&self) {
        self.wishes_changed.store(true, Ordering::SeqCst);
        let waker = self.locked.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
