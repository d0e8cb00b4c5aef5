//! The messages of one name, in order.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use everwire::ConnectionName;

use super::entry::{Entry, Place};

/// The messages of one name: the published and unacknowledged ones, those waiting in memory, and
/// the number of those in the spool after them.
#[derive(Debug)]
pub(super) struct Lane {
    pub name: ConnectionName,
    pub state: State,
    pub unacked: VecDeque<InFlight>,
    /// The number of the first of `unacked`.
    pub first: u64,
    pub waiting: VecDeque<Entry>,
    /// How many rows of the spool are not loaded yet. All of them are newer than `waiting`.
    pub spooled: u64,
    /// Rows up to here were loaded.
    pub loaded: Option<Place>,
    /// The last message that was in memory: those in the spool follow it.
    pub last_in_memory: Option<Place>,
    /// The spool is being read.
    pub loads: bool,
    /// The last message of the name in the stream, according to its last answer.
    pub in_stream: Option<Place>,
    /// The last message that was taken into the lane.
    pub last_heard: Option<Place>,
    /// How many messages were dropped since, which no message has reported yet.
    pub dropped: u64,
    /// The gap that the next row of the spool must report.
    pub untold: Option<Gap>,
    /// It is in the queue of lanes with work.
    pub is_queued: bool,
    /// Rows of the spool behind a waiting message that are to be forgotten with it, by its place.
    pub behind: BTreeMap<Place, Forgotten>,
    /// The number of consecutive refusals.
    pub failures: u32,
    /// The name was removed.
    pub leaves: bool,
}

/// Messages that were dropped after another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub count: u64,
    pub previous: Option<Place>,
}

impl Gap {
    /// Makes the message after the gap report it.
    pub fn tell(self, next: &mut Entry) {
        next.gap = next.gap.saturating_add(self.count);
        next.previous = self.previous;
    }
}

/// Rows of the spool that a lane no longer needs: up to a place, and how many they are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forgotten {
    pub through: Option<Place>,
    pub count: u64,
}

impl Forgotten {
    /// The row of the message too, and those behind it that can go only with it.
    pub fn add(&mut self, entry: &Entry, behind: &mut BTreeMap<Place, Self>) {
        if entry.is_spooled {
            let with = behind.remove(&entry.place).unwrap_or_default();
            self.through = Some(entry.place).max(with.through);
            self.count += 1 + with.count;
        }
    }
}

/// The possible actions for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The stream's last message of this name is unknown on this connection.
    Unknown,
    /// The stream was asked for it.
    Asking,
    /// The next message must follow this one of the stream.
    Known { expect: u64 },
    /// That message is in flight: others wait until it is stored. If it were refused, later ones
    /// would leave a gap.
    Proving { expect: u64 },
    /// Messages may be published.
    Open,
    /// A message was refused or not answered: nothing more is published before all others are
    /// answered.
    Failing,
    /// The next attempt is at this time.
    Resting { until: Instant },
}

/// A published message that is not acknowledged.
#[derive(Debug)]
pub(super) struct InFlight {
    pub entry: Entry,
    pub sent: Instant,
    pub outcome: Outcome,
}

/// The outcome of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Unknown yet.
    Open,
    /// It is stored.
    Stored,
    /// It may be stored or not.
    Failed,
    /// It is not stored.
    Refused,
    /// It can never be stored.
    Hopeless,
}

impl Lane {
    pub fn new(name: ConnectionName) -> Self {
        Self {
            name,
            state: State::Unknown,
            unacked: VecDeque::new(),
            first: 0,
            waiting: VecDeque::new(),
            spooled: 0,
            loaded: None,
            last_in_memory: None,
            loads: false,
            in_stream: None,
            last_heard: None,
            dropped: 0,
            untold: None,
            is_queued: false,
            behind: BTreeMap::new(),
            failures: 0,
            leaves: false,
        }
    }

    /// Whether something is left to publish.
    pub fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.spooled > 0
    }

    /// Whether it has no messages anywhere.
    pub fn is_empty(&self) -> bool {
        !self.has_work() && self.unacked.is_empty()
    }

    /// Puts unacknowledged messages back to the front of the waiting ones. Those that can never be
    /// stored are left out, and returned, with the rows that can be forgotten now.
    ///
    /// The spool forgets rows up to a place. So the row of a message that is left out goes with the
    /// last one before it that waits again; until then that one's row is its only safe copy.
    pub fn take_back(&mut self) -> (Vec<Entry>, Forgotten) {
        self.first += self.unacked.len() as u64;
        let (mut hopeless, mut loose) = (Vec::new(), Vec::new());
        while let Some(mut sent) = self.unacked.pop_back() {
            sent.entry.was_refused |= sent.outcome == Outcome::Refused;
            match sent.outcome {
                Outcome::Hopeless => loose.push(sent.entry),
                Outcome::Open | Outcome::Stored | Outcome::Failed | Outcome::Refused => {
                    if sent.entry.is_spooled {
                        self.tie(sent.entry.place, &loose);
                        hopeless.append(&mut loose);
                    }
                    self.waiting.push_front(sent.entry);
                }
            }
        }
        let mut now = Forgotten::default();
        for entry in loose.iter().rev() {
            now.add(entry, &mut self.behind);
        }
        hopeless.append(&mut loose);
        (hopeless, now)
    }

    /// Has the rows of these messages, the last one first, forgotten with that of the one before them.
    fn tie(&mut self, place: Place, loose: &[Entry]) {
        let mut behind = Forgotten::default();
        for entry in loose.iter().rev() {
            behind.add(entry, &mut self.behind);
        }
        if behind.through.is_some() {
            self.behind.insert(place, behind);
        }
    }

    /// Makes the next published message report how many were dropped before it, and after which
    /// one.
    pub fn tell_gap(&mut self, count: u64, previous: Option<Place>) {
        let gap = Gap { count, previous };
        if let Some(next) = self.waiting.front_mut() {
            gap.tell(next);
        } else if self.spooled > 0 {
            let before = self.untold.take().map_or(0, |gap| gap.count);
            self.untold = Some(Gap {
                count: count.saturating_add(before),
                previous,
            });
        } else {
            self.dropped = self.dropped.saturating_add(count);
            self.last_heard = previous;
        }
    }

    /// Whether all published messages are answered.
    pub fn is_settled(&self) -> bool {
        let is_open = |sent: &InFlight| sent.outcome == Outcome::Open;
        !self.unacked.iter().any(is_open)
    }
}
