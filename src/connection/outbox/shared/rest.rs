//! How the actor rests without the lock, and how it is woken.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use super::{Locked, SharedOutbox};

impl SharedOutbox {
    /// A turn of the actor begins: who sends meanwhile need not wake it.
    pub fn begin_turn(&self) {
        self.at_work.store(true, Ordering::Relaxed);
    }

    /// A look after which the actor may rest. Leaves its waker behind, for the next message.
    pub fn end_turn<T>(self: &Arc<Self>, waker: &Waker, look: impl FnOnce(&mut Locked) -> T) -> T {
        self.with(|locked| {
            locked.leave_waker(waker);
            self.at_work.store(false, Ordering::Relaxed);
            self.touched.store(false, Ordering::Relaxed);
            look(locked)
        })
    }

    /// Ends a turn without a look, where nothing has changed since the last one; `false`: something has, and the actor must look.
    ///
    /// The lock is not taken: most turns only read. The two flags are told apart by their order instead. A sender first raises
    /// `touched`, then looks whether the actor is at work. The actor first falls to rest, then looks at `touched`. One of them sees the
    /// other.
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
        // One that is raised was raised since the last look.
        if !self.touched.load(Ordering::SeqCst) {
            self.touched.swap(true, Ordering::SeqCst);
        }
    }

    /// The actor must look; the waker, if it rests. `locked` is this outbox's own.
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
