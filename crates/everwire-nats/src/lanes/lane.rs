//! The messages of one name, in their order.

use std::{collections::VecDeque, time::Instant};

use everwire::ConnectionName;

use super::entry::{Entry, Place};

/// The messages of one name: those that are published and not acknowledged, those that wait in
/// memory, and how many wait in the spool behind them.
#[derive(Debug)]
pub(super) struct Lane {
    pub name: ConnectionName,
    pub state: State,
    pub unacked: VecDeque<InFlight>,
    /// The number of the first of `unacked`.
    pub first: u64,
    pub waiting: VecDeque<Entry>,
    /// So many rows of the spool are not loaded yet. All of them are newer than `waiting`.
    pub spooled: u64,
    /// Rows up to here were loaded.
    pub loaded: Option<Place>,
    /// The spool is being read.
    pub loads: bool,
    /// The last message of the name in the stream, as it was when the stream was asked.
    pub in_stream: Option<Place>,
    /// The last message that was taken into the lane.
    pub last_heard: Option<Place>,
    /// So many messages were dropped since, and no message has told it yet.
    pub dropped: u64,
    /// What the next row of the spool is to tell.
    pub untold: Option<Gap>,
    /// It stands in the queue of those that can go on.
    pub is_queued: bool,
    /// How often in a row it was refused.
    pub failures: u32,
    /// The name is gone.
    pub leaves: bool,
}

/// Messages that were dropped behind another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub count: u64,
    pub previous: Option<Place>,
}

impl Gap {
    /// The message behind the gap tells it.
    pub fn tell(self, next: &mut Entry) {
        next.gap = next.gap.saturating_add(self.count);
        next.previous = self.previous;
    }
}

/// What may be done for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// What the stream has last of this name is not known in this connection.
    Unknown,
    /// The stream is asked.
    Asking,
    /// The next message says that it follows this one of the stream.
    Known { expect: u64 },
    /// That message is out: no other goes before it is stored. Were it refused, those behind it would
    /// leave a hole.
    Proving { expect: u64 },
    /// Messages go out.
    Open,
    /// A message was refused or not answered: nothing more goes out before all others are answered.
    Failing,
    /// It is tried again then.
    Resting { until: Instant },
}

/// A published message that is not acknowledged.
#[derive(Debug)]
pub(super) struct InFlight {
    pub entry: Entry,
    pub sent: Instant,
    pub outcome: Outcome,
}

/// What the stream said of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing yet.
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
            loads: false,
            in_stream: None,
            last_heard: None,
            dropped: 0,
            untold: None,
            is_queued: false,
            failures: 0,
            leaves: false,
        }
    }

    /// Whether something is left to publish.
    pub fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.spooled > 0
    }

    /// Whether nothing of it is anywhere.
    pub fn is_empty(&self) -> bool {
        !self.has_work() && self.unacked.is_empty()
    }

    /// Puts what is not acknowledged back to the front of what waits. What was refused for good is
    /// left out, and returned.
    pub fn take_back(&mut self) -> Vec<Entry> {
        self.first += self.unacked.len() as u64;
        let mut hopeless = Vec::new();
        while let Some(mut sent) = self.unacked.pop_back() {
            sent.entry.was_refused |= sent.outcome == Outcome::Refused;
            match sent.outcome {
                Outcome::Hopeless => hopeless.push(sent.entry),
                Outcome::Open | Outcome::Stored | Outcome::Failed | Outcome::Refused => {
                    self.waiting.push_front(sent.entry);
                }
            }
        }
        hopeless
    }

    /// The next message that goes out says how many were dropped before it, and behind which one.
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

    /// Whether all that is published has been answered.
    pub fn is_settled(&self) -> bool {
        let is_open = |sent: &InFlight| sent.outcome == Outcome::Open;
        !self.unacked.iter().any(is_open)
    }
}
