//! Updates by the handful: one write for many, and a pause after each, so that no busy stream keeps its thread.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use everwire::{Events, Update};
use futures::Stream;

/// How many events are handed over at a time.
const EVENTS: usize = 128;
/// How many payload bytes, unless a single message has more.
const BYTES: usize = 64 << 10;

/// The events of a subscription, some at a time.
#[derive(Debug)]
pub struct Batches {
    events: Events,
    pauses: bool,
}

impl Batches {
    pub fn new(events: Events) -> Self {
        Self {
            events,
            pauses: false,
        }
    }
}

impl Stream for Batches {
    type Item = Vec<Update>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<Update>>> {
        if std::mem::take(&mut self.pauses) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < EVENTS && bytes < BYTES {
            match Pin::new(&mut self.events).poll_next(cx) {
                Poll::Ready(Some(update)) => {
                    bytes += update.message().map_or(0, |(_, message)| message.len());
                    batch.push(update);
                }
                Poll::Ready(None) if batch.is_empty() => return Poll::Ready(None),
                Poll::Pending if batch.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        self.pauses = true;
        Poll::Ready(Some(batch))
    }
}
