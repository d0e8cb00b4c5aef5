//! The stream of updates for a subscriber.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures::Stream;

use super::{
    batch::Batch,
    guard::SubscriptionGuard,
    listener::Listener,
    past::{Past, Piece},
    queue::{Reader, Taken},
    run::Span,
    updates::Updates,
};
use crate::{
    core::Cursor,
    events::{Lagged, Update},
};

/// A waiting stream keeps memory for this many turns of names; what a burst needed beyond that is
/// freed.
const KEPT: usize = 64;

/// The updates of the names that a pattern selects. Dropping it unsubscribes.
///
/// It ends only when the subscriber is cut off for being too slow ([`Overflow`](super::Overflow)).
#[must_use = "a stream that nobody reads only fills up"]
#[derive(Debug)]
pub struct Events {
    _guard: SubscriptionGuard,
    listener: Arc<Listener>,
    start: Cursor,
    /// Updates that were taken from the queue, and not returned yet.
    taken: Updates,
    /// Events are missing before it.
    missed: bool,
    /// Returned before the queue is read.
    past: Option<Box<Past>>,
    /// The past has returned everything up to here.
    told: Cursor,
    closed: bool,
}

impl Events {
    pub(super) fn new(guard: SubscriptionGuard, listener: Arc<Listener>, start: Cursor) -> Self {
        Self {
            _guard: guard,
            listener,
            start,
            taken: Updates::default(),
            missed: false,
            past: None,
            told: Cursor::default(),
            closed: false,
        }
    }

    /// A stream that begins with what happened after `since`.
    pub(super) fn resumed(
        guard: SubscriptionGuard,
        listener: Arc<Listener>,
        since: Cursor,
        past: Past,
    ) -> Self {
        let mut events = Self::new(guard, listener, since);
        (events.told, events.past) = (past.through(), Some(Box::new(past)));
        // Reads a first piece now, so that it cannot be lost however late the reader comes.
        while events.taken.is_empty() && events.read_past() != Piece::End {}
        events
    }

    /// The position before the first event: a reader that resumes from here gets everything that
    /// this stream returns.
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

    /// All waiting updates, as soon as there are any; `None` at the end of the stream.
    ///
    /// It costs less than single updates: the events of one turn of a name are handed over as a
    /// whole. They count against the bound until the [`Batch`] is dropped.
    ///
    /// It is cancel safe: if the future is dropped before it is ready, nothing is lost.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// use everwire::{Delivery, Pattern};
    ///
    /// let mut events = manager.subscribe(Pattern::all(), Delivery::default());
    /// manager.open("feed", settings)?;
    /// if let Some(batch) = events.next_batch().await {
    ///     batch.iter().for_each(|update| println!("{}", update.type_name()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_batch(&mut self) -> Option<Batch> {
        poll_fn(|cx| self.poll_batch(cx)).await
    }

    /// [`next_batch`](Self::next_batch) as a poll function.
    ///
    /// ```
    /// use std::task::{Context, Poll};
    ///
    /// use everwire::Events;
    ///
    /// /// How many updates are there now; `None` at the end of the stream.
    /// fn waiting(events: &mut Events, cx: &mut Context<'_>) -> Option<usize> {
    ///     match events.poll_batch(cx) {
    ///         Poll::Ready(batch) => batch.map(|batch| batch.len()),
    ///         Poll::Pending => Some(0),
    ///     }
    /// }
    /// ```
    pub fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<Batch>> {
        if let Some(batch) = self.batch_at_hand() {
            return Poll::Ready(Some(batch));
        }
        while !self.closed
            && let Some(queue) = self.listener.queue()
        {
            let reader = || Reader::Task(cx.waker().clone());
            let mut taken = queue.lock().take_batch(reader);
            let found = self.open(&mut taken);
            match self.listener.batch(taken) {
                Some(batch) => return Poll::Ready(Some(batch)),
                // The waker is stored only if nothing was found.
                None if found || self.closed => {}
                None => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }

    /// Updates that were taken already, or the next piece of the past.
    fn batch_at_hand(&mut self) -> Option<Batch> {
        loop {
            let missed = std::mem::take(&mut self.missed);
            if missed || !self.taken.is_empty() {
                let mut spans = self.taken.take_spans();
                if missed {
                    spans.push_front(Span::from(Lagged::now(None)));
                }
                return Some(Batch::new(spans, None));
            }
            if self.read_past() == Piece::End {
                return None;
            }
        }
    }

    /// Reads another piece of the past, if nothing is at hand.
    fn read_past(&mut self) -> Piece {
        let Some(past) = &mut self.past else {
            return Piece::End;
        };
        let piece = past.read(&self.listener, self.taken.spans());
        match piece {
            Piece::Read => {}
            Piece::Missed => self.missed = true,
            Piece::End => self.past = None,
        }
        piece
    }

    /// Whether the queue had something. Events that the past has returned already are removed:
    /// those published while it was listed are in both.
    fn open(&mut self, taken: &mut Taken) -> bool {
        let wake = std::mem::take(&mut taken.wake);
        wake.into_iter().for_each(Waker::wake);
        self.closed = taken.closed;
        let found = !taken.is_empty();
        while let Some(front) = taken.spans.front_mut() {
            front.drop_through(self.told);
            if !front.is_empty() {
                break;
            }
            taken.spans.pop_front();
        }
        found
    }

    fn read_queue(&mut self, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        while !self.closed
            && let Some(queue) = self.listener.queue()
        {
            let spare = self.taken.take_spans();
            let spare = match spare.capacity() > KEPT {
                true => VecDeque::new(),
                false => spare,
            };
            let mut taken = queue.lock().take(spare, cx.waker());
            let found = self.open(&mut taken);
            if taken.missed > 0 {
                let lagged = Lagged::now(Some(taken.missed));
                taken.spans.push_front(Span::from(lagged));
            }
            self.taken = Updates::new(taken.spans, None);
            match self.taken.next() {
                Some(update) => return Poll::Ready(Some(update)),
                // The waker is stored only if nothing was found.
                None if found || self.closed => {}
                None => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }

    /// How many updates it holds itself.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.taken.len()
    }
}

impl Stream for Events {
    type Item = Update;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        let this = self.get_mut();
        loop {
            if std::mem::take(&mut this.missed) {
                // Their number is unknown: they are gone.
                return Poll::Ready(Some(Update::Notice(Lagged::now(None))));
            }
            if let Some(update) = this.taken.next() {
                return Poll::Ready(Some(update));
            }
            if this.read_past() == Piece::End {
                break;
            }
        }
        this.read_queue(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(queue) = self.listener.queue() {
            let paused = queue.lock().close();
            paused.into_iter().for_each(Waker::wake);
        }
    }
}
