//! The order in which messages are published, and which are published again: without a clock, a
//! socket or a disk.
//!
//! Each name has a lane. Its messages reach the stream in order and without a gap: if one is
//! refused or not answered, no further one of its lane is published until the last message in the
//! stream is known. Lanes do not wait for each other.
//!
//! ```text
//! heard ─► waiting ─► published ─► acknowledged, forgotten
//!    └──► spool ──┘        └─ connection lost, refused: asked for the last one, and again
//! ```

mod answers;
mod entry;
mod lane;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use everwire::ConnectionName;

pub use self::entry::{Entry, Place};
use self::lane::{InFlight, Lane, Outcome, State};

/// The limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes in memory: published and waiting. Further messages go to the spool.
    pub memory: usize,
    /// Published and unacknowledged messages over all lanes.
    pub in_flight: usize,
    /// Simultaneous questions about the last message of a lane.
    pub asks: usize,
    /// The deadline of an acknowledgement.
    pub ack_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 32 << 20,
            in_flight: 4096,
            asks: 256,
            ack_timeout: Duration::from_secs(5),
        }
    }
}

/// The next action.
#[derive(Debug)]
pub enum Action {
    /// Ask the stream for the last message of the name: [`Lanes::answered`].
    Ask(LaneId, ConnectionName),
    /// Publish: [`Lanes::acked`] with the number.
    Publish {
        /// The lane of the message.
        lane: LaneId,
        /// Its number in the lane.
        number: u64,
        /// The expected predecessor in the stream, if that must be checked.
        expect: Option<u64>,
        /// How many messages were dropped before it.
        gap: u64,
        /// The name.
        name: ConnectionName,
        /// The message.
        entry: Entry,
    },
    /// Read messages of the spool after this place: [`Lanes::loaded`].
    Load(LaneId, ConnectionName, Option<Place>),
    /// Messages of the name in the spool up to this place are no longer needed. The number is of those
    /// that were not forgotten before.
    Forget(ConnectionName, Place, u64),
    /// Messages were dropped.
    Dropped(ConnectionName, u64, DropReason),
    /// The stream has places of the name beyond those of this process: its epoch must be greater.
    Raise(ConnectionName, u32),
    /// The stream refuses messages of the name.
    Refused(ConnectionName, String),
}

/// Why messages were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Neither memory nor the spool had room.
    Full,
    /// The spool could not be written, or a part of it not be read.
    Spool,
    /// The stream or the server does not accept this size.
    TooLarge,
    /// The stream had later places of the name: the state of an earlier process was lost.
    Stale,
    /// A later message of the name is in the stream, and this one was refused.
    Refused,
}

/// Where a received message goes.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// It waits in memory.
    Memory,
    /// It is to be written into the spool; [`Lanes::not_spooled`] if that fails.
    Spool(LaneId, Entry),
    /// It is dropped, and the next message reports that.
    Dropped,
}

/// The last message of a name in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// Its place; `None` if its headers have none.
    pub place: Option<Place>,
    /// Its number in the stream.
    pub sequence: u64,
}

/// A gap of unknown size.
pub const UNKNOWN_GAP: u64 = u64::MAX;

/// The id of a lane. Ids of removed lanes are never used again.
pub type LaneId = u64;

/// The lanes of all names.
#[derive(Debug)]
pub struct Lanes {
    limits: Limits,
    lanes: HashMap<LaneId, Lane>,
    by_name: HashMap<ConnectionName, LaneId>,
    next_id: LaneId,
    /// Lanes with work, in turns.
    queue: VecDeque<LaneId>,
    /// Lanes that wait for a question to the stream.
    unasked: VecDeque<LaneId>,
    asks: usize,
    in_flight: usize,
    memory: usize,
    /// How many messages of a lane may be in flight; `None` without a connection.
    window: Option<usize>,
    /// Further actions.
    actions: VecDeque<Action>,
}

impl Lanes {
    /// Without lanes.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            lanes: HashMap::new(),
            by_name: HashMap::new(),
            next_id: 0,
            queue: VecDeque::new(),
            unasked: VecDeque::new(),
            asks: 0,
            in_flight: 0,
            memory: 0,
            window: None,
            actions: VecDeque::new(),
        }
    }

    /// How many messages are published and unacknowledged.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many messages of all names are unacknowledged: published, in memory, in the spool.
    pub fn pending(&self) -> u64 {
        let of = |lane: &Lane| (lane.unacked.len() + lane.waiting.len()) as u64 + lane.spooled;
        self.lanes.values().map(of).sum()
    }

    /// The same for one name.
    pub fn pending_of(&self, name: &ConnectionName) -> u64 {
        let lane = self.by_name.get(name).and_then(|id| self.lanes.get(id));
        lane.map_or(0, |lane| {
            (lane.unacked.len() + lane.waiting.len()) as u64 + lane.spooled
        })
    }

    /// Adds rows that an earlier process left in the spool. `last`: the place of the last of them.
    pub fn recall(&mut self, name: ConnectionName, rows: u64, last: Place) {
        let id = self.id(&name);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.spooled += rows;
            lane.last_heard = Some(last);
        }
        self.enqueue(id);
    }

    /// Adds a received message, and sets its `previous` and `gap`. `has_spool`: the spool has space
    /// for it.
    pub fn push(&mut self, name: &ConnectionName, mut entry: Entry, has_spool: bool) -> Taken {
        let id = self.id(name);
        let has_memory = self.memory + entry.cost() <= self.limits.memory;
        let Some(lane) = self.lanes.get_mut(&id) else {
            return Taken::Dropped;
        };
        lane.leaves = false;
        let in_memory = lane.spooled == 0 && has_memory;
        if !in_memory && !has_spool {
            lane.dropped = lane.dropped.saturating_add(1);
            self.actions
                .push_back(Action::Dropped(name.clone(), 1, DropReason::Full));
            return Taken::Dropped;
        }
        entry.previous = lane.last_heard;
        entry.gap = std::mem::take(&mut lane.dropped);
        lane.last_heard = Some(entry.place);
        if !in_memory {
            lane.spooled += 1;
            entry.is_spooled = true;
            return Taken::Spool(id, entry);
        }
        self.memory += entry.cost();
        lane.last_in_memory = Some(entry.place);
        lane.waiting.push_back(entry);
        self.enqueue(id);
        Taken::Memory
    }

    /// The messages were written into the spool.
    pub fn spooled(&mut self, lane: LaneId) {
        self.enqueue(lane);
    }

    /// The last message for the spool could not be written: it is dropped, and the next one reports
    /// its gap. Of several, the last one comes first.
    pub fn not_spooled(&mut self, id: LaneId, entry: &Entry) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.spooled = lane.spooled.saturating_sub(1);
            lane.dropped = lane.dropped.saturating_add(entry.gap).saturating_add(1);
            lane.last_heard = entry.previous;
            // The gap before the next message of the spool is now before the next one that is heard.
            if lane.spooled == 0
                && let Some(gap) = lane.untold.take()
            {
                lane.dropped = lane.dropped.saturating_add(gap.count);
                lane.last_heard = gap.previous;
            }
            let dropped = Action::Dropped(lane.name.clone(), 1, DropReason::Spool);
            self.actions.push_back(dropped);
        }
    }

    /// Messages of unknown names were missed: the next one of each lane reports it.
    pub fn lagged(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.dropped = UNKNOWN_GAP;
        }
    }

    /// The name was removed: its lane is removed when it is empty.
    pub fn removed(&mut self, name: &ConnectionName) {
        let Some(id) = self.by_name.get(name).copied() else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.leaves = true;
        }
        self.drop_if_gone(id);
    }

    /// There is a connection, on which this many messages of a lane may be in flight.
    pub fn connected(&mut self, window: usize) {
        self.window = Some(window.max(1));
        let ids: Vec<LaneId> = self.lanes.keys().copied().collect();
        for id in ids {
            self.enqueue(id);
        }
    }

    /// The connection was lost. Unacknowledged messages may be in the stream or not: each lane asks
    /// before it continues.
    pub fn disconnected(&mut self) {
        self.window = None;
        (self.asks, self.in_flight) = (0, 0);
        self.queue.clear();
        self.unasked.clear();
        let ids: Vec<LaneId> = self.lanes.keys().copied().collect();
        for id in ids {
            self.take_back(id);
            if let Some(lane) = self.lanes.get_mut(&id) {
                (lane.state, lane.is_queued) = (State::Unknown, false);
            }
        }
    }

    /// The next action; `None` if there is none before further input or a deadline.
    pub fn next(&mut self, now: Instant) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        let window = self.window?;
        if self.asks < self.limits.asks
            && let Some(id) = self.unasked.pop_front()
            && let Some(lane) = self.lanes.get_mut(&id)
        {
            lane.is_queued = false;
            lane.state = State::Asking;
            self.asks += 1;
            return Some(Action::Ask(id, lane.name.clone()));
        }
        while self.in_flight < self.limits.in_flight {
            let id = self.queue.pop_front()?;
            let Some(lane) = self.lanes.get_mut(&id) else {
                continue;
            };
            lane.is_queued = false;
            if let State::Resting { until } = lane.state
                && until <= now
            {
                lane.state = State::Unknown;
            }
            let expect = match lane.state {
                State::Known { expect } => Some(expect),
                State::Open => None,
                State::Unknown => {
                    self.enqueue(id);
                    continue;
                }
                _ => continue,
            };
            if lane.waiting.is_empty() {
                let has_room = self.memory <= self.limits.memory / 2;
                if lane.spooled > 0 && !lane.loads && has_room {
                    lane.loads = true;
                    return Some(Action::Load(id, lane.name.clone(), lane.loaded));
                }
                continue;
            }
            if lane.unacked.len() >= window {
                continue;
            }
            let Some(mut entry) = lane.waiting.pop_front() else {
                continue;
            };
            if let Some(expect) = expect {
                lane.state = State::Proving { expect };
            }
            let number = lane.first + lane.unacked.len() as u64;
            let gap = entry.gap;
            entry.was_published = true;
            lane.unacked.push_back(InFlight {
                entry: entry.clone(),
                sent: now,
                outcome: Outcome::Open,
            });
            self.in_flight += 1;
            let name = lane.name.clone();
            self.enqueue(id);
            return Some(Action::Publish {
                lane: id,
                number,
                expect,
                gap,
                name,
                entry,
            });
        }
        None
    }

    /// Rows of the spool after the last loaded one, in order; `None` if they could not be read.
    pub fn loaded(&mut self, id: LaneId, rows: Option<Vec<Entry>>, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        lane.loads = false;
        let Some(rows) = rows else {
            self.rest(id, now);
            return;
        };
        if rows.is_empty() {
            lane.spooled = 0;
            self.drop_if_gone(id);
            return;
        }
        lane.spooled = lane.spooled.saturating_sub(rows.len() as u64);
        let mut before = lane.last_in_memory.or(lane.in_stream);
        lane.loaded = rows.last().map(|row| row.place);
        lane.last_in_memory = lane.loaded;
        let mut untold = lane.untold.take();
        for mut row in rows {
            if let Some(gap) = untold.take() {
                gap.tell(&mut row);
            } else if row.previous > before && before.is_some() {
                // An earlier process has dropped what was between them, and its number is lost.
                (row.previous, row.gap) = (before, UNKNOWN_GAP);
            }
            before = Some(row.place);
            row.is_spooled = true;
            row.was_published = true;
            self.memory += row.cost();
            lane.waiting.push_back(row);
        }
        // An earlier process may have published them without deleting the rows.
        if let Some(place) = lane.in_stream {
            self.skip(id, place);
        }
        self.enqueue(id);
    }

    /// So many messages of the spool that were to be loaded cannot be read: the next one reports the
    /// gap.
    pub fn unreadable(&mut self, id: LaneId, count: u64) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        lane.loads = false;
        lane.spooled = lane.spooled.saturating_sub(count);
        let before = lane.last_in_memory.or(lane.in_stream);
        let previous = lane.untold.map_or(before, |gap| gap.previous);
        lane.tell_gap(count, previous);
        let dropped = Action::Dropped(lane.name.clone(), count, DropReason::Spool);
        self.actions.push_back(dropped);
        self.enqueue(id);
        self.drop_if_gone(id);
    }

    /// Handles missing acknowledgements, and lanes whose pause is over. Once or twice a second.
    pub fn tick(&mut self, now: Instant) {
        let late = |sent: &InFlight, timeout| {
            sent.outcome == Outcome::Open && now.duration_since(sent.sent) >= timeout
        };
        let mut due = Vec::new();
        for (id, lane) in &mut self.lanes {
            let mut is_late = false;
            for sent in &mut lane.unacked {
                if late(sent, self.limits.ack_timeout) {
                    sent.outcome = Outcome::Failed;
                    self.in_flight -= 1;
                    is_late = true;
                }
            }
            if is_late {
                lane.state = State::Failing;
                let text = "no acknowledgement in time".to_owned();
                self.actions
                    .push_back(Action::Refused(lane.name.clone(), text));
            }
            let has_rested = matches!(lane.state, State::Resting { until } if until <= now);
            if is_late || has_rested || (lane.spooled > 0 && lane.waiting.is_empty()) {
                due.push(*id);
            }
        }
        for id in due {
            self.settle(id, now);
            self.enqueue(id);
        }
    }

    /// Removes and returns all messages in memory, to store them at the end of the process.
    pub fn drain(&mut self) -> Vec<(ConnectionName, Entry)> {
        self.disconnected();
        let mut all = Vec::new();
        for lane in self.lanes.values_mut() {
            let name = lane.name.clone();
            let unspooled = lane.waiting.drain(..).filter(|entry| !entry.is_spooled);
            all.extend(unspooled.map(|entry| (name.clone(), entry)));
        }
        self.memory = 0;
        all
    }

    /// Puts a lane into the queue if it has work.
    fn enqueue(&mut self, id: LaneId) {
        if self.window.is_none() {
            return;
        }
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        if lane.is_queued || !lane.has_work() {
            return;
        }
        let queue = match lane.state {
            State::Unknown => &mut self.unasked,
            State::Open | State::Known { .. } | State::Resting { .. } => &mut self.queue,
            State::Asking | State::Proving { .. } | State::Failing => return,
        };
        lane.is_queued = true;
        queue.push_back(id);
    }

    fn drop_if_gone(&mut self, id: LaneId) {
        let is_gone = |lane: &Lane| lane.leaves && lane.is_empty();
        if self.lanes.get(&id).is_some_and(is_gone)
            && let Some(lane) = self.lanes.remove(&id)
        {
            self.by_name.remove(&lane.name);
        }
    }

    fn id(&mut self, name: &ConnectionName) -> LaneId {
        if let Some(id) = self.by_name.get(name) {
            return *id;
        }
        self.next_id += 1;
        self.by_name.insert(name.clone(), self.next_id);
        self.lanes.insert(self.next_id, Lane::new(name.clone()));
        self.next_id
    }
}
