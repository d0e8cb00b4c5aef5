//! What happened last, to be read again by those who were away.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::{
    config::HistorySettings,
    core::{Cursor, Message},
    events::Event,
};

/// What one name said last: nothing is allocated before it says something.
#[derive(Debug)]
pub(crate) struct History(Mutex<Option<Box<Ring>>>);

/// The last events, bounded by their number and the bytes of their payloads.
#[derive(Debug)]
pub(super) struct Ring {
    limit: HistorySettings,
    events: VecDeque<Event>,
    bytes: usize,
    /// Events up to here are not kept any more, or never were.
    lost_through: Cursor,
    /// Events up to here were handed to the store.
    stored_through: Cursor,
}

impl History {
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What an earlier process left in the store: all that came behind `known`.
    pub fn restore(
        &self,
        limit: HistorySettings,
        known: Cursor,
        events: impl IntoIterator<Item = Event>,
    ) {
        let mut ring = Ring::new(limit, known);
        for event in events {
            ring.push(event);
        }
        ring.stored_through = ring.last().unwrap_or_default();
        *self.0.lock() = Some(Box::new(ring));
    }

    /// New limits.
    pub fn configure(&self, limit: HistorySettings) {
        if let Some(ring) = &mut *self.0.lock() {
            ring.limit = limit;
            ring.make_room(0, 0);
            ring.events.shrink_to(limit.messages);
        }
    }

    /// Works on the ring under its lock; `start` is where a new one begins to know.
    pub(super) fn with<T>(
        &self,
        limit: HistorySettings,
        start: Cursor,
        work: impl FnOnce(&mut Ring) -> T,
    ) -> T {
        let mut ring = self.0.lock();
        work(ring.get_or_insert_with(|| Box::new(Ring::new(limit, start))))
    }

    /// The events behind `since`; the flag says whether none of them is missing. `start`: from where on all is known.
    pub(super) fn since(&self, since: Cursor, start: Cursor) -> (Vec<Event>, bool) {
        match &*self.0.lock() {
            Some(ring) => ring.since(since),
            None => (Vec::new(), since >= start),
        }
    }

    /// Behind which place it has all that came; `start`: from where on all is known.
    pub fn known_behind(&self, start: Cursor) -> Cursor {
        let ring = self.0.lock();
        ring.as_ref().map_or(start, |ring| ring.lost_through)
    }

    /// The last position that it ever knew of, if there was one.
    pub fn last(&self) -> Option<Cursor> {
        self.0.lock().as_ref().and_then(|ring| ring.last())
    }

    /// What the store has not been handed yet, in order, and the limits to trim to there.
    pub fn take_unstored(&self) -> (Vec<Event>, Option<HistorySettings>) {
        let mut ring = self.0.lock();
        let Some(ring) = &mut *ring else {
            return (Vec::new(), None);
        };
        let from = ring.behind(ring.stored_through);
        let unstored = ring.events.range(from..).cloned().collect();
        ring.stored_through = ring.last().unwrap_or(ring.stored_through);
        (unstored, Some(ring.limit))
    }
}

impl Ring {
    pub fn new(limit: HistorySettings, start: Cursor) -> Self {
        Self {
            limit,
            events: VecDeque::new(),
            bytes: 0,
            lost_through: start,
            stored_through: Cursor::default(),
        }
    }

    /// Keeps an event, and lets go of the oldest. They go first, and there are no more places than the limit: then the new event
    /// takes the place of the oldest, and not one that has not been touched for as long.
    pub fn push(&mut self, event: Event) {
        let len = event.payload_len();
        self.make_room(1, len);
        if self.limit.messages == 0 || len > self.limit.bytes {
            self.lost_through = self.lost_through.max(cursor(&event));
            return;
        }
        if self.events.len() == self.events.capacity() {
            let more = self.events.len().max(4);
            let most = self.limit.messages - self.events.len();
            self.events.reserve_exact(more.min(most));
        }
        self.bytes += len;
        self.events.push_back(event);
    }

    /// Lets go of the oldest until so many messages, of so many bytes in all, have room.
    fn make_room(&mut self, messages: usize, bytes: usize) {
        while self.events.len() + messages > self.limit.messages
            || self.bytes + bytes > self.limit.bytes
        {
            let Some(oldest) = self.events.pop_front() else {
                return;
            };
            self.bytes -= oldest.payload_len();
            self.lost_through = self.lost_through.max(cursor(&oldest));
        }
    }

    pub fn since(&self, since: Cursor) -> (Vec<Event>, bool) {
        let events = self.events.range(self.behind(since)..).cloned().collect();
        (events, since >= self.lost_through)
    }

    fn behind(&self, position: Cursor) -> usize {
        self.events
            .partition_point(|event| cursor(event) <= position)
    }

    fn last(&self) -> Option<Cursor> {
        self.events.back().map(cursor)
    }
}

fn cursor(event: &Event) -> Cursor {
    event.stamp().map(|stamp| stamp.cursor).unwrap_or_default()
}

/// Whether an event belongs to the history of its name, or to the story of all.
pub(super) fn is_message(event: &Event) -> bool {
    matches!(
        event,
        Event::Message(_, Message::Text(_) | Message::Binary(_))
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{core::ConnectionName, events::Stamp};

    fn limit(messages: usize, bytes: usize) -> HistorySettings {
        let mut limit = HistorySettings::default();
        (limit.messages, limit.bytes) = (messages, bytes);
        limit
    }

    fn event(position: u64) -> Event {
        let stamp = Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: position,
            cursor: Cursor(position),
            at: Timestamp::UNIX_EPOCH,
        };
        Event::Message(stamp, Message::text("12345"))
    }

    fn positions((events, complete): (Vec<Event>, bool)) -> (Vec<u64>, bool) {
        (
            events.iter().map(|event| cursor(event).0).collect(),
            complete,
        )
    }

    #[test]
    fn the_oldest_go_and_whoever_asks_for_them_is_told() {
        let mut ring = Ring::new(limit(3, 1000), Cursor(10));
        (11..=15).for_each(|position| ring.push(event(position)));
        assert_eq!(positions(ring.since(Cursor(13))), (vec![14, 15], true));
        assert_eq!(positions(ring.since(Cursor(12))), (vec![13, 14, 15], true));
        assert_eq!(positions(ring.since(Cursor(11))), (vec![13, 14, 15], false));
        assert_eq!(positions(ring.since(Cursor(99))), (vec![], true));
    }

    #[test]
    fn bytes_bound_it_as_well_and_nothing_is_kept_where_nothing_is_wanted() {
        let mut ring = Ring::new(limit(100, 12), Cursor(0));
        (1..=5).for_each(|position| ring.push(event(position)));
        assert_eq!(positions(ring.since(Cursor(3))), (vec![4, 5], true));
        let mut none = Ring::new(limit(0, 1000), Cursor(0));
        none.push(event(7));
        assert_eq!(positions(none.since(Cursor(6))), (vec![], false));
        assert_eq!(positions(none.since(Cursor(7))), (vec![], true));
    }

    #[test]
    fn the_store_is_handed_each_event_once() {
        let history = History::new();
        let keep = |position| {
            history.with(limit(2, 1000), Cursor(0), |ring| ring.push(event(position)));
        };
        (1..=3).for_each(keep);
        let (unstored, _) = history.take_unstored();
        assert_eq!(positions((unstored, true)).0, [2, 3]);
        assert_eq!(history.take_unstored().0, []);
        keep(4);
        assert_eq!(positions((history.take_unstored().0, true)).0, [4]);
    }

    #[test]
    fn before_its_start_a_history_knows_nothing() {
        let history = History::new();
        assert_eq!(
            positions(history.since(Cursor(5), Cursor(9))),
            (vec![], false)
        );
        assert_eq!(
            positions(history.since(Cursor(9), Cursor(9))),
            (vec![], true)
        );
    }
}
