//! The end of an arbiter's turn: each reader is then woken once, however many names have published
//! to it.
//!
//! A turn is everything that the runtime has found ready at once. The first name that publishes
//! makes the waking task ready, so the task runs after all names that are ready by then. It needs
//! no clock, and delays nothing.

use std::{
    cell::RefCell,
    future::poll_fn,
    task::{Poll, Waker},
};

thread_local! {
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// The readers to wake at the end of this thread's turn.
#[derive(Default)]
struct Turn {
    readers: Vec<Waker>,
    /// The task that wakes them, while it sleeps.
    task: Option<Waker>,
}

/// Wakes a reader at the end of the turn, or at once on a thread without turns.
pub(super) fn wake_at_end(reader: Waker) {
    let mut now = Some(reader);
    // A thread that ends has no turns any more.
    let task = TURN.try_with(|turn| {
        let mut turn = turn.borrow_mut();
        let turn = turn.as_mut()?;
        turn.readers.extend(now.take());
        turn.task.take()
    });
    let task = task.ok().flatten();
    now.into_iter().chain(task).for_each(Waker::wake);
}

/// Ends the turns of the current thread, for as long as it runs.
pub(crate) async fn end_turns() {
    TURN.set(Some(Turn::default()));
    let _turns = Turns;
    let mut spare = Vec::new();
    poll_fn::<(), _>(|cx| {
        TURN.with_borrow_mut(|turn| {
            if let Some(turn) = turn {
                std::mem::swap(&mut turn.readers, &mut spare);
                turn.task = Some(cx.waker().clone());
            }
        });
        // A woken task may publish itself.
        spare.drain(..).for_each(Waker::wake);
        Poll::Pending
    })
    .await
}

/// Wakes everyone when the turns stop, so that nobody waits forever.
struct Turns;

impl Drop for Turns {
    fn drop(&mut self) {
        let last = TURN.take();
        let readers = last.into_iter().flat_map(|turn| turn.readers);
        readers.for_each(Waker::wake);
    }
}
