//! When the driver runs again, and when others of the arbiter do.

use std::task::Waker;

/// How many messages of its mailbox a name handles before others of its arbiter have their turn.
const MAILBOX_TURN: u32 = 128;

/// The driver's waker, and the turn of the mailbox.
#[derive(Default)]
pub(in crate::connection) struct Wakeups {
    mailbox_turn: u32,
    waker: Option<Waker>,
}

impl Wakeups {
    /// Has the driver run again in this turn or the next.
    pub fn wake(&self) {
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
            self.waker = Some(waker.clone());
        }
        !is_known
    }

    /// An incarnation begins.
    pub fn begin(&mut self) {
        self.mailbox_turn = 0;
    }

    /// A message of the mailbox is handled; whether others must have their turn behind it.
    pub fn count_message(&mut self) -> bool {
        self.mailbox_turn += 1;
        let is_enough = self.mailbox_turn >= MAILBOX_TURN;
        if is_enough {
            self.mailbox_turn = 0;
        }
        is_enough
    }
}
