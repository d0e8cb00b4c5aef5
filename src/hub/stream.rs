//! The stream of events that a subscriber reads.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::Stream;
use jiff::Timestamp;

use super::subscriber::{Subscriber, SubscriptionGuard};
use crate::{core::Cursor, events::Event};

/// Memory for so many events stays with a stream that waits; what a burst needed on top is given back.
const KEPT: usize = 256;

/// The events of the names that a pattern selects. Dropping it unsubscribes.
///
/// It ends when the subscriber was cut off for being too slow ([`Overflow`](super::Overflow)), never by itself.
#[must_use = "a stream that nobody reads only fills up"]
#[derive(Debug)]
pub struct Events {
    _guard: SubscriptionGuard,
    subscriber: Arc<Subscriber>,
    start: Cursor,
    batch: VecDeque<Event>,
    /// Something is missing before the first event.
    missed: bool,
    closed: bool,
}

impl Events {
    pub(super) fn new(
        guard: SubscriptionGuard,
        subscriber: Arc<Subscriber>,
        start: Cursor,
    ) -> Self {
        Self {
            _guard: guard,
            subscriber,
            start,
            batch: VecDeque::new(),
            missed: false,
            closed: false,
        }
    }

    /// One that begins with what happened before.
    pub(super) fn resumed(
        guard: SubscriptionGuard,
        subscriber: Arc<Subscriber>,
        since: Cursor,
        missed: bool,
        past: Vec<Event>,
    ) -> Self {
        let mut events = Self::new(guard, subscriber, since);
        (events.batch, events.missed) = (past.into(), missed);
        events
    }

    /// The place in front of the first event: whoever resumes from here hears all that this stream tells.
    pub fn start(&self) -> Cursor {
        self.start
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.missed) {
            // How much is not known: it is not there any more to be counted.
            return Poll::Ready(Some(Event::Lagged {
                missed: None,
                at: Timestamp::now(),
            }));
        }
        if let Some(event) = this.batch.pop_front() {
            return Poll::Ready(Some(event));
        }
        if this.closed {
            return Poll::Ready(None);
        }
        let Some(queue) = this.subscriber.queue() else {
            return Poll::Ready(None);
        };
        if this.batch.capacity() > KEPT {
            this.batch = VecDeque::new();
        }
        let batch = queue.lock().take(&mut this.batch, cx.waker());
        batch.wake.into_iter().for_each(std::task::Waker::wake);
        this.closed = batch.closed;
        if batch.missed > 0 {
            return Poll::Ready(Some(Event::Lagged {
                missed: Some(batch.missed),
                at: Timestamp::now(),
            }));
        }
        match this.batch.pop_front() {
            Some(event) => Poll::Ready(Some(event)),
            None if this.closed => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(queue) = self.subscriber.queue() {
            let paused = queue.lock().close();
            paused.into_iter().for_each(std::task::Waker::wake);
        }
    }
}
