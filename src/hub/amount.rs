//! Amounts of events and bytes that wait or were handed out.

use std::ops::{AddAssign, SubAssign};

use super::run::{Run, Span};
use crate::events::EventKind;

/// The overhead in bytes of a span, beside the cost of each event.
const PER_SPAN: usize = size_of::<Span>() + size_of::<Run>() + 2 * size_of::<usize>();

/// A number of events, and their payload bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub events: usize,
    pub bytes: usize,
    pub spans: usize,
}

impl Amount {
    pub fn of(span: &Span) -> Self {
        Self {
            events: span.len(),
            bytes: span.bytes(),
            spans: 1,
        }
    }

    /// The memory that they need.
    pub fn memory(self) -> usize {
        self.spans * PER_SPAN + self.events * size_of::<EventKind>() + self.bytes
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.events += other.events;
        self.bytes += other.bytes;
        self.spans += other.spans;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        self.events = self.events.saturating_sub(other.events);
        self.bytes = self.bytes.saturating_sub(other.bytes);
        self.spans = self.spans.saturating_sub(other.spans);
    }
}
