//! The stream of events that a subscriber reads.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::Stream;
use jiff::Timestamp;

use super::{
    guard::SubscriptionGuard,
    past::{Past, Piece},
    subscriber::Subscriber,
};
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
    /// Something is missing before the first event of the batch.
    missed: bool,
    /// What is told before the queue is read.
    past: Option<Box<Past>>,
    /// Up to here the past has told it.
    told: Cursor,
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
            past: None,
            told: Cursor::default(),
            closed: false,
        }
    }

    /// One that begins with what happened behind `since`.
    pub(super) fn resumed(
        guard: SubscriptionGuard,
        subscriber: Arc<Subscriber>,
        since: Cursor,
        past: Past,
    ) -> Self {
        let mut events = Self::new(guard, subscriber, since);
        (events.told, events.past) = (past.through(), Some(Box::new(past)));
        // A little of it gives way no more, however long the reader takes to come.
        while events.batch.is_empty() && events.read_past() != Piece::End {}
        events
    }

    /// Reads some more of the past, into the batch, which is empty.
    fn read_past(&mut self) -> Piece {
        let Some(past) = &mut self.past else {
            return Piece::End;
        };
        let piece = past.read(&self.subscriber, &mut self.batch);
        match piece {
            Piece::Read => {}
            Piece::Missed => self.missed = true,
            Piece::End => self.past = None,
        }
        piece
    }

    /// The place in front of the first event: whoever resumes from here hears all that this stream tells.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{Delivery, Pattern};
    ///
    /// let events = manager.resume(Pattern::all(), Delivery::default(), None);
    /// let start = events.start();
    /// drop(events); // broken off before it was read
    ///
    /// let events = manager.resume(Pattern::all(), Delivery::default(), Some(start));
    /// assert_eq!(events.start(), start);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(&self) -> Cursor {
        self.start
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let this = self.get_mut();
        loop {
            if std::mem::take(&mut this.missed) {
                // How much is not known: it is not there any more to be counted.
                return Poll::Ready(Some(lagged(None)));
            }
            if let Some(event) = this.batch.pop_front() {
                return Poll::Ready(Some(event));
            }
            if this.read_past() == Piece::End {
                break;
            }
        }
        this.read_queue(cx)
    }
}

impl Events {
    /// How many events it holds itself.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.batch.len()
    }

    fn read_queue(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        while !self.closed {
            let Some(queue) = self.subscriber.queue() else {
                return Poll::Ready(None);
            };
            if self.batch.capacity() > KEPT {
                self.batch = VecDeque::new();
            }
            let batch = queue.lock().take(&mut self.batch, cx.waker());
            batch.wake.into_iter().for_each(std::task::Waker::wake);
            self.closed = batch.closed;
            let found = batch.missed > 0 || !self.batch.is_empty();
            // What came while the past was listed is in both.
            let told = self.told;
            let is_told = |event: &Event| event.stamp().is_some_and(|stamp| stamp.cursor <= told);
            while self.batch.front().is_some_and(is_told) {
                self.batch.pop_front();
            }
            if batch.missed > 0 {
                return Poll::Ready(Some(lagged(Some(batch.missed))));
            }
            match self.batch.pop_front() {
                Some(event) => return Poll::Ready(Some(event)),
                // Only one that finds nothing has left its waker.
                None if found => {}
                None if self.closed => {}
                None => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }
}

fn lagged(missed: Option<u64>) -> Event {
    Event::Lagged {
        missed,
        at: Timestamp::now(),
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
