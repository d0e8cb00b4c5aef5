//! Iterates over the updates of spans.

use std::{collections::VecDeque, sync::Arc};

use super::{
    lease::Lease,
    run::{Span, SpanUpdates},
};
use crate::events::Update;

/// The updates of a [`Batch`](super::Batch), in order.
///
/// They count against the subscriber's bound until this is dropped.
#[derive(Debug, Default)]
pub struct Updates {
    current: Option<SpanUpdates>,
    spans: VecDeque<Span>,
    _lease: Option<Arc<Lease>>,
}

impl Updates {
    /// The updates of spans, counted by a lease.
    pub(super) fn new(spans: VecDeque<Span>, lease: Option<Arc<Lease>>) -> Self {
        Self {
            current: None,
            spans,
            _lease: lease,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.current
            .as_ref()
            .is_none_or(|current| current.len() == 0)
            && self.spans.is_empty()
    }

    /// Takes the remaining spans.
    pub(super) fn take_spans(&mut self) -> VecDeque<Span> {
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(rest) = self.current.take().and_then(SpanUpdates::into_span) {
            spans.push_front(rest);
        }
        spans
    }

    /// The buffer for further spans, once it is empty.
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
