//! The end of an arbiter's turn: readers are woken then, each once, however many names had something for it.
//!
//! A turn is what the runtime has found ready at once. The task that wakes is made ready by the first name that has something to tell, and
//! so stands behind all names that are ready by then: no clock is asked, and nothing waits for one.

use std::{
    cell::RefCell,
    future::poll_fn,
    task::{Poll, Waker},
};

thread_local! {
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// Whom to wake at the end of this thread's turn.
#[derive(Default)]
struct Turn {
    readers: Vec<Waker>,
    /// The task that wakes them, while it sleeps.
    task: Option<Waker>,
}

/// Wakes a reader at the end of the turn; at once on a thread that has none.
pub(super) fn wake_at_end(reader: Waker) {
    let mut now = Some(reader);
    // A thread that ends has no turn any more.
    let task = TURN.try_with(|turn| {
        let mut turn = turn.borrow_mut();
        let turn = turn.as_mut()?;
        turn.readers.extend(now.take());
        turn.task.take()
    });
    let task = task.ok().flatten();
    now.into_iter().chain(task).for_each(Waker::wake);
}

/// Ends the turns of the thread that it runs on, for as long as it does.
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
        // Whom this wakes may have something to tell itself.
        spare.drain(..).for_each(Waker::wake);
        Poll::Pending
    })
    .await
}

/// Nobody is left waiting for a turn that does not end.
struct Turns;

impl Drop for Turns {
    fn drop(&mut self) {
        let last = TURN.take();
        let readers = last.into_iter().flat_map(|turn| turn.readers);
        readers.for_each(Waker::wake);
    }
}
