//! Replays what happened before a reader came, in pieces as it reads.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    fmt,
    sync::Arc,
};

use super::{
    history::{History, Place},
    listener::Listener,
    reading::{PIECE_BYTES, ReadOn, Room},
    recent_events::Ring,
    registry::Hub,
    run::Span,
};
use crate::{
    core::{ConnectionName, Cursor},
    events::Event,
    memory::{Charge, MemoryUse},
};

/// The memory of each name until it is read, in bytes.
const PER_SOURCE: usize = size_of::<Source>() + size_of::<Reverse<(Cursor, usize)>>();

/// A name whose past can be read.
pub(crate) trait HasHistory: Send + Sync {
    fn name(&self) -> &ConnectionName;
    /// Its last messages.
    fn history(&self) -> &History;
}

/// All events after one position up to another, in order, a piece at a time.
///
/// The histories and recent events are not copied: they go on, and drop their oldest. A loss before
/// an event was read is reported in its place.
pub(super) struct Past {
    hub: Arc<Hub>,
    /// The end; later events wait in the reader's queue.
    through: Cursor,
    /// Events are missing before the next one.
    missed: bool,
    sources: Vec<Source>,
    /// The next position of each source, the nearest first.
    next: BinaryHeap<Reverse<(Cursor, usize)>>,
    /// The memory of the sources, and of a piece.
    charge: Charge,
}

/// A source of past events.
enum Source {
    Messages {
        of: Arc<dyn HasHistory>,
        place: Place,
    },
    /// Events up to this cursor were read.
    RecentEvents(Ring, Cursor),
}

/// The result of reading a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Events were read into the buffer.
    Read,
    /// Events are missing before the next one.
    Missed,
    /// Everything was read.
    End,
}

impl Past {
    /// What is known of the time after `since`, for a subscriber that was added before the names
    /// were listed. `missed`: events are missing before it.
    pub fn new(
        hub: &Arc<Hub>,
        subscriber: &Listener,
        since: Cursor,
        mut missed: bool,
        mut names: Vec<Arc<dyn HasHistory>>,
    ) -> Self {
        let mut charge = Charge::new(&hub.memory, MemoryUse::Readers);
        let needed = PIECE_BYTES + names.len() * PER_SOURCE;
        if charge.try_set(needed).is_err() {
            // The reader is told that events are missing.
            (missed, names) = (true, Vec::new());
        }
        let kinds = subscriber.kinds();
        let wants_messages = kinds.has("message");
        // Publishers look for subscribers under these locks, so whoever takes one later sees the
        // new subscriber.
        names.iter().for_each(|of| of.history().locked(|| ()));
        for ring in Ring::ALL {
            drop(hub.recent(ring).lock());
        }
        let through = hub.now();
        let (mut sources, mut next) = (Vec::new(), Vec::new());
        for of in names {
            let begin = of.history().begin(since, hub.start());
            missed |= wants_messages && !begin.complete;
            if let Some(first) = begin.next.filter(|_| wants_messages) {
                let place = begin.place;
                next.push(Reverse((first, sources.len())));
                sources.push(Source::Messages { of, place });
            }
        }
        for ring in Ring::ALL.into_iter().filter(|ring| ring.is_wanted(kinds)) {
            let recent = hub.recent(ring).lock();
            missed |= !recent.is_complete(since);
            if let Some(first) = recent.since(since).next() {
                next.push(Reverse((first.cursor(), sources.len())));
                sources.push(Source::RecentEvents(ring, since));
            }
        }
        missed |= wants_messages && since < hub.forgotten();
        missed |= kinds.has("sent") && since < hub.fates();
        Self {
            hub: Arc::clone(hub),
            through,
            missed,
            sources,
            next: next.into(),
            charge,
        }
    }

    /// The end of the past.
    pub fn through(&self) -> Cursor {
        self.through
    }

    /// Reads a piece into `into`, which is empty.
    pub fn read(&mut self, subscriber: &Listener, into: &mut VecDeque<Span>) -> Piece {
        let mut room = Room::default();
        while !self.missed && room.is_left() {
            let next = self.next.pop().map(|Reverse(next)| next);
            let Some((_, number)) = next.filter(|(cursor, _)| *cursor <= self.through) else {
                // Drops the names and their memory as soon as they are not needed.
                (self.sources, self.next) = (Vec::new(), BinaryHeap::new());
                self.charge.set(PIECE_BYTES);
                break;
            };
            // Up to the next position of another source.
            let other = self.next.peek().map(|Reverse((other, _))| *other);
            let until = self.through.min(other.unwrap_or(self.through));
            self.missed = !self.read_source(number, until, subscriber, &mut room, into);
        }
        match into.is_empty() {
            false => Piece::Read,
            true if std::mem::take(&mut self.missed) => Piece::Missed,
            true if self.sources.is_empty() => Piece::End,
            true => Piece::Read,
        }
    }

    /// Reads one source up to a position; `false`, without reading, if it has lost events.
    fn read_source(
        &mut self,
        number: usize,
        until: Cursor,
        subscriber: &Listener,
        room: &mut Room,
        into: &mut VecDeque<Span>,
    ) -> bool {
        let Some(source) = self.sources.get_mut(number) else {
            return true;
        };
        let ReadOn { lost, next } = match source {
            Source::Messages { of, place } => {
                let keys = subscriber.subscriptions();
                of.history().read(place, until, room, keys, |message| {
                    into.push_back(Event::recalled(of.name(), message).into());
                })
            }
            Source::RecentEvents(ring, place) => {
                self.hub.recent(*ring).lock().read(place, |event| {
                    let reads = event.cursor() <= until && room.is_left();
                    if reads {
                        room.take(event.kind.payload_len());
                        into.extend(subscriber.wants(event).then(|| Span::from(event.clone())));
                    }
                    reads
                })
            }
        };
        if let Some(next) = next {
            self.next.push(Reverse((next, number)));
        }
        !lost
    }
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Past(through {})", self.through)
    }
}
