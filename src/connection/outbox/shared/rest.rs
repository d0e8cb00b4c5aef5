//! How the actor goes to rest without the lock, and how it is woken.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use super::{Locked, SharedOutbox};

impl SharedOutbox {
    /// A turn of the actor begins: senders need not wake it until its end.
    pub fn begin_turn(&self) {
        self.at_work.store(true, Ordering::Relaxed);
    }

    /// A last look before the actor rests. Stores its waker for the next message.
    pub fn end_turn<T>(self: &Arc<Self>, waker: &Waker, look: impl FnOnce(&mut Locked) -> T) -> T {
        self.with(|locked| {
            locked.leave_waker(waker);
            self.at_work.store(false, Ordering::Relaxed);
            self.touched.store(false, Ordering::Relaxed);
            look(locked)
        })
    }

    /// Ends a turn without a look if nothing has changed since the last one; on `false` the actor
    /// must look.
    ///
    /// The lock is not taken, since most turns only read. Instead two flags are written in a fixed
    /// order. A sender first sets `touched`, then checks whether the actor is at work. The actor
    /// first clears `at_work`, then checks `touched`. So one of them sees the other.
    pub fn rest(&self) -> bool {
        self.at_work.swap(false, Ordering::SeqCst);
        let rests = !self.touched.load(Ordering::SeqCst);
        if !rests {
            self.begin_turn();
        }
        rests
    }

    /// Something has changed that the actor must look at.
    pub(super) fn touch(&self) {
        // If the flag is set already, it was set since the last look.
        if !self.touched.load(Ordering::SeqCst) {
            self.touched.swap(true, Ordering::SeqCst);
        }
    }

    /// The actor must look. Returns its waker if it rests. `locked` belongs to this outbox.
    pub(super) fn take_waker(&self, locked: &mut Locked) -> Option<Waker> {
        self.touch();
        locked
            .waker
            .take_if(|_| !self.at_work.load(Ordering::SeqCst))
    }
}

impl Locked {
    fn leave_waker(&mut self, waker: &Waker) {
        if !self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.waker = Some(waker.clone());
        }
    }
}
