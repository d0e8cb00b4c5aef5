//! When the driver runs again, when it looks at everything, and when others of the arbiter have their turn.

use std::{cell::Cell, task::Waker};

/// How many messages of its mailbox a name handles before others of its arbiter have their turn.
const MAILBOX_TURN: u8 = 128;

/// The driver's waker.
#[derive(Default)]
pub(in crate::connection) struct Wakeups(Option<Waker>);

impl Wakeups {
    /// Has the driver run again in this turn or the next.
    pub fn wake(&self) {
        if let Some(waker) = &self.0 {
            waker.wake_by_ref();
        }
    }

    /// The driver runs, and is woken by this waker; whether that is another one than before.
    pub fn begin_turn(&mut self, waker: &Waker) -> bool {
        let known = self.0.as_ref();
        let is_known = known.is_some_and(|known| known.will_wake(waker));
        if !is_known {
            self.0 = Some(waker.clone());
        }
        !is_known
    }
}

/// What has happened since the driver's last turn, and since it last looked at everything. Apart from the waker, since it needs no room
/// of its own among the other small parts of a name.
#[derive(Default)]
pub(in crate::connection) struct Turns {
    mailbox_turn: u8,
    /// Whether the name's state may have changed by anything but messages.
    touched: Cell<bool>,
}

impl Turns {
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

    /// An incarnation, or a turn of the driver, begins.
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
