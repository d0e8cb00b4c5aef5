//! When the driver runs again, and when others of the arbiter do.

use std::{cell::Cell, task::Waker};

/// How many messages of its mailbox a name handles before others of its arbiter have their turn.
const MAILBOX_TURN: u32 = 128;

/// The driver's waker, and the turn of the mailbox.
#[derive(Default)]
pub(in crate::connection) struct Wakeups {
    mailbox_turn: u32,
    waker: Option<Waker>,
    /// Whether the name's state may have changed by anything but messages since the driver's last whole turn.
    touched: Cell<bool>,
}

impl Wakeups {
    /// Has the driver run again in this turn or the next.
    pub fn wake(&self) {
        self.touch();
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// The driver runs, and is woken by this waker; whether that is another one than before.
    pub fn begin_turn(&mut self, waker: &Waker) -> bool {
        self.mailbox_turn = 0;
        let is_known = self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker));
        if !is_known {
            self.touch();
            self.waker = Some(waker.clone());
        }
        !is_known
    }

    /// Something may have changed: the driver must look at all that it sees to.
    pub fn touch(&self) {
        self.touched.set(true);
    }

    /// Whether something may have changed since the driver last looked at all that it sees to.
    pub fn is_touched(&self) -> bool {
        self.touched.get()
    }

    /// The driver looks at all that it sees to.
    pub fn look(&self) {
        self.touched.set(false);
    }

    /// An incarnation begins.
    pub fn begin(&mut self) {
        self.mailbox_turn = 0;
    }

    /// A message of the mailbox is handled; whether others must have their turn behind it.
    pub fn count_message(&mut self) -> bool {
        self.touch();
        self.mailbox_turn += 1;
        let is_enough = self.mailbox_turn >= MAILBOX_TURN;
        if is_enough {
            self.mailbox_turn = 0;
        }
        is_enough
    }
}
