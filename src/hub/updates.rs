//! Updates one by one, of the spans that a reader was handed.

use std::{collections::VecDeque, sync::Arc};

use super::{
    lease::Lease,
    run::{Span, SpanUpdates},
};
use crate::events::Update;

/// The updates of a [`Batch`](super::Batch), in order.
///
/// What it has been given counts against the subscriber's bound until it is dropped.
#[derive(Debug, Default)]
pub struct Updates {
    current: Option<SpanUpdates>,
    spans: VecDeque<Span>,
    _lease: Option<Arc<Lease>>,
}

impl Updates {
    /// Those of spans, counted by a lease.
    pub(super) fn new(spans: VecDeque<Span>, lease: Option<Arc<Lease>>) -> Self {
        Self {
            current: None,
            spans,
            _lease: lease,
        }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.current
            .as_ref()
            .is_none_or(|current| current.len() == 0)
            && self.spans.is_empty()
    }

    /// The spans that are left.
    pub(super) fn take_spans(&mut self) -> VecDeque<Span> {
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(rest) = self.current.take().and_then(SpanUpdates::into_span) {
            spans.push_front(rest);
        }
        spans
    }

    /// Where further spans go, when nothing is left.
    pub(super) fn spans(&mut self) -> &mut VecDeque<Span> {
        &mut self.spans
    }
}

impl Iterator for Updates {
    type Item = Update;

    #[inline]
    fn next(&mut self) -> Option<Update> {
        loop {
            if let Some(update) = self.current.as_mut().and_then(Iterator::next) {
                return Some(update);
            }
            self.current = Some(self.spans.pop_front()?.updates());
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let current = self.current.as_ref().map_or(0, SpanUpdates::len);
        let left = current + self.spans.iter().map(Span::len).sum::<usize>();
        (left, Some(left))
    }
}

impl ExactSizeIterator for Updates {}
