//! The last events of all names except messages, for readers that resume.

use std::collections::VecDeque;

use super::{kinds::Kinds, reading::ReadOn};
use crate::{
    core::Cursor,
    events::{Event, EventKind},
};

/// The number of events that are kept.
const KEPT: usize = 4096;

/// Which ring keeps an event. A name may have thousands of subscriptions, and their changes must
/// not push out other names' events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ring {
    /// All other events.
    Events,
    /// Changes of subscriptions.
    Subscriptions,
}

impl Ring {
    pub const ALL: [Self; 2] = [Self::Events, Self::Subscriptions];

    /// The ring for an event that is neither a message nor a fate.
    pub fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::Subscription(_) => Self::Subscriptions,
            _ => Self::Events,
        }
    }

    /// Whether one of its kinds is wanted.
    pub fn is_wanted(self, kinds: Kinds) -> bool {
        match self {
            Self::Events => kinds.without("subscription").want_more_than_messages(),
            Self::Subscriptions => kinds.has("subscription"),
        }
    }
}

/// The last events of all names that are neither messages nor fates.
#[derive(Debug)]
pub(super) struct RecentEvents {
    events: VecDeque<Event>,
    /// Events up to here are not kept any more, or never were.
    lost_through: Cursor,
}

impl RecentEvents {
    /// An empty ring that begins after `start`.
    pub fn new(start: Cursor) -> Self {
        Self {
            events: VecDeque::new(),
            lost_through: start,
        }
    }

    /// Keeps an event, and drops the oldest.
    pub fn push(&mut self, event: Event) {
        if self.events.len() == KEPT
            && let Some(oldest) = self.events.pop_front()
        {
            self.lost_through = oldest.cursor();
        }
        self.events.push_back(event);
    }

    /// Whether nothing is missing after `since`.
    pub fn is_complete(&self, since: Cursor) -> bool {
        since >= self.lost_through
    }

    /// Reads on after a place, for as long as `take` accepts events.
    pub fn read(&self, place: &mut Cursor, mut take: impl FnMut(&Event) -> bool) -> ReadOn {
        let lost = !self.is_complete(*place);
        *place = (*place).max(self.lost_through);
        if !lost {
            let read = self.since(*place).take_while(|event| take(event)).last();
            *place = read.map_or(*place, Event::cursor);
        }
        ReadOn {
            lost,
            next: self.since(*place).next().map(Event::cursor),
        }
    }

    /// The events after `since`.
    pub fn since(&self, since: Cursor) -> impl Iterator<Item = &Event> {
        let from = self.events.partition_point(|event| event.cursor() <= since);
        self.events.range(from..)
    }
}
