//! When the driver runs again, when it looks at everything, and when others of the arbiter run.

use std::{cell::Cell, task::Waker};

/// How many messages of its mailbox a name handles before others of its arbiter run.
const MAILBOX_TURN: u8 = 128;

/// The driver's waker.
#[derive(Default)]
pub(in crate::connection) struct Wakeups(Option<Waker>);

impl Wakeups {
    /// Makes the driver run again in this turn or the next.
    pub fn wake(&self) {
        if let Some(waker) = &self.0 {
            waker.wake_by_ref();
        }
    }

    /// The driver runs, with this waker. `true` if it is another one than before.
    pub fn begin_turn(&mut self, waker: &Waker) -> bool {
        let known = self.0.as_ref();
        let is_known = known.is_some_and(|known| known.will_wake(waker));
        if !is_known {
            self.0 = Some(waker.clone());
        }
        !is_known
    }
}

/// Changes since the driver's last turn, and since its last full look. Apart from the waker,
/// because it fits between other small parts of a name.
#[derive(Default)]
pub(in crate::connection) struct Turns {
    mailbox_turn: u8,
    /// Whether the name's state may have changed by more than messages.
    touched: Cell<bool>,
}

impl Turns {
    /// Something may have changed, so the driver must look at everything.
    pub fn touch(&self) {
        self.touched.set(true);
    }

    /// Whether something may have changed since the driver last looked at everything.
    pub fn is_touched(&self) -> bool {
        self.touched.get()
    }

    /// The driver looks at everything.
    pub fn look(&self) {
        self.touched.set(false);
    }

    /// An incarnation, or a turn of the driver, begins.
    pub fn begin(&mut self) {
        self.mailbox_turn = 0;
    }

    /// Counts a handled message of the mailbox. `true` if others must run next.
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
