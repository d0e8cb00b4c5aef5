//! The end of an arbiter's turn: readers are woken then, each once, however many names had something for it.
//!
//! A turn is what the runtime has found ready at once. The task that wakes is made ready by the first name that has something to tell, and
//! so stands behind all names that are ready by then: no clock is asked, and nothing waits for one.

use std::{
    cell::RefCell,
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
};

use super::listener::Listener;

thread_local! {
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// Whom to wake at the end of this thread's turn.
#[derive(Default)]
struct Turn {
    wakeups: Vec<Wakeup>,
    /// The task that wakes them, while it sleeps.
    task: Option<Waker>,
}

/// Who has something to read.
pub(super) enum Wakeup {
    /// A task.
    Task(Waker),
    /// An actor, which gets it into its mailbox.
    Actor(Arc<Listener>),
}

impl Wakeup {
    fn wake(self) {
        match self {
            Self::Task(waker) => waker.wake(),
            Self::Actor(listener) => listener.feed(),
        }
    }

    /// Wakes at the end of the turn; at once on a thread that has none.
    pub fn at_end_of_turn(self) {
        let now = TURN.with_borrow_mut(|turn| match turn {
            Some(turn) => {
                turn.wakeups.push(self);
                (None, turn.task.take())
            }
            None => (Some(self), None),
        });
        match now {
            (Some(wakeup), _) => wakeup.wake(),
            (None, Some(task)) => task.wake(),
            (None, None) => {}
        }
    }
}

/// Ends the turns of the thread that it runs on, for as long as it does.
pub(crate) async fn end_turns() {
    TURN.set(Some(Turn::default()));
    let _turns = Turns;
    let mut spare = Vec::new();
    poll_fn::<(), _>(|cx| {
        TURN.with_borrow_mut(|turn| {
            if let Some(turn) = turn {
                std::mem::swap(&mut turn.wakeups, &mut spare);
                turn.task = Some(cx.waker().clone());
            }
        });
        // Whom this wakes may have something to tell itself.
        spare.drain(..).for_each(Wakeup::wake);
        Poll::Pending
    })
    .await
}

/// Nobody is left waiting for a turn that does not end.
struct Turns;

impl Drop for Turns {
    fn drop(&mut self) {
        let last = TURN.take();
        let wakeups = last.into_iter().flat_map(|turn| turn.wakeups);
        wakeups.for_each(Wakeup::wake);
    }
}
