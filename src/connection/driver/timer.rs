//! The timer that wakes the driver.

use std::{
    pin::{Pin, pin},
    task::Context as TaskContext,
    time::Instant,
};

use tokio::{task::coop, time::Sleep};

/// Wakes the driver at its next deadline.
#[derive(Default)]
pub(super) struct WakeTimer {
    /// A name that rests keeps none: a timer is as large as a name's mailbox.
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whether it has the current waker. Then it need not be polled before it fires.
    will_wake: bool,
}

impl WakeTimer {
    /// The task has another waker from now on.
    pub fn forget_waker(&mut self) {
        self.will_wake = false;
    }

    /// Wakes the driver at that time, or before it.
    pub fn wake_at(&mut self, deadline: Instant, cx: &mut TaskContext<'_>) {
        let deadline = tokio::time::Instant::from_std(deadline);
        let sleep = match &mut self.sleep {
            Some(sleep) if !sleep.is_elapsed() && sleep.deadline() <= deadline => {
                if self.will_wake {
                    return;
                }
                sleep
            }
            Some(sleep) => {
                sleep.as_mut().reset(deadline);
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(deadline))),
        };
        // If a task has used up its budget, polling a timer wakes the task without registering the
        // waker.
        let sleep = coop::unconstrained(sleep.as_mut());
        self.will_wake = pin!(sleep).poll(cx).is_pending();
        if !self.will_wake {
            cx.waker().wake_by_ref();
        }
    }

    pub fn stop(&mut self) {
        self.sleep = None;
    }

    /// When it wakes the driver; `None`: never.
    pub fn deadline(&self) -> Option<Instant> {
        let sleep = self.sleep.as_ref();
        sleep.map(|sleep| sleep.deadline().into_std())
    }
}
