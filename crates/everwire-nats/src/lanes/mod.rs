//! In which order messages go to the stream, and what goes again: without a clock, a socket or a
//! disk.
//!
//! Each name has a lane. Its messages reach the stream in their order and without a hole: where one
//! is refused or not answered, no further one of its lane is published until it is known which is
//! the last that the stream has. Lanes do not wait for each other.
//!
//! ```text
//! heard ─► waiting ─► published ─► acknowledged, forgotten
//!    └──► spool ──┘        └─ connection lost, refused: asked for the last one, and again
//! ```

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
use crate::ack::Ack;

/// How much may be where.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes in memory: published and waiting. What is more goes to the spool.
    pub memory: usize,
    /// Messages that are published and not acknowledged, over all lanes.
    pub in_flight: usize,
    /// Lanes for which the stream is asked at once.
    pub asks: usize,
    /// How long an acknowledgement may take.
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

/// What is to be done next.
#[derive(Debug)]
pub enum Action {
    /// Ask the stream for the last message of the name: [`Lanes::answered`].
    Ask(LaneId, ConnectionName),
    /// Publish: [`Lanes::acked`] with the number.
    Publish {
        /// Whose it is.
        lane: LaneId,
        /// Its number in the lane.
        number: u64,
        /// The message of the stream that it follows, where that is to be checked.
        expect: Option<u64>,
        /// How many messages were dropped before it.
        gap: u64,
        /// The name.
        name: ConnectionName,
        /// The message.
        entry: Entry,
    },
    /// Read rows of the spool behind this place: [`Lanes::loaded`].
    Load(LaneId, ConnectionName, Option<Place>),
    /// Rows of the name up to this one are not needed any more.
    Forget(ConnectionName, Place),
    /// Messages were dropped.
    Dropped(ConnectionName, u64, DropReason),
    /// The stream has later places of the name than this process gives: its epoch must be above.
    Raise(ConnectionName, u32),
    /// The stream refuses messages of the name.
    Refused(ConnectionName, String),
}

/// Why messages were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// Neither memory nor the spool had room.
    Full,
    /// The spool could not be written.
    Spool,
    /// The stream or the server takes no message of this size.
    TooLarge,
    /// The stream had later places of the name: the state of an earlier process was lost.
    Stale,
    /// A later message of the name is in the stream, and this one was refused.
    Refused,
}

/// Where a message that was heard goes.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// It waits in memory.
    Memory,
    /// It is to be written into the spool; [`Lanes::not_spooled`] if that fails.
    Spool(LaneId, Entry),
    /// It is dropped, and the next message says so.
    Dropped,
}

/// The last message of a name in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// Its place; `None` where its headers have none.
    pub place: Option<Place>,
    /// Its number in the stream.
    pub sequence: u64,
}

/// The gap of a message before which others were missed, nobody knows how many.
pub const UNKNOWN_GAP: u64 = u64::MAX;

/// Names a lane; of one that is gone it names none.
pub type LaneId = u64;

const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// The lanes of all names.
#[derive(Debug)]
pub struct Lanes {
    limits: Limits,
    lanes: HashMap<LaneId, Lane>,
    by_name: HashMap<ConnectionName, LaneId>,
    next_id: LaneId,
    /// Those that can go on, in turns.
    queue: VecDeque<LaneId>,
    /// Those that wait to be asked for.
    unasked: VecDeque<LaneId>,
    asks: usize,
    in_flight: usize,
    memory: usize,
    /// How many of a lane may be published at once; `None`: there is no connection.
    window: Option<usize>,
    /// What is to be done besides.
    actions: VecDeque<Action>,
}

impl Lanes {
    /// No lane yet.
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

    /// How many messages are published and not acknowledged.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many messages of all names are not acknowledged yet: published, in memory, in the spool.
    pub fn pending(&self) -> u64 {
        let of = |lane: &Lane| (lane.unacked.len() + lane.waiting.len()) as u64 + lane.spooled;
        self.lanes.values().map(of).sum()
    }

    /// The same of one name.
    pub fn pending_of(&self, name: &ConnectionName) -> u64 {
        let lane = self.by_name.get(name).and_then(|id| self.lanes.get(id));
        lane.map_or(0, |lane| {
            (lane.unacked.len() + lane.waiting.len()) as u64 + lane.spooled
        })
    }

    /// Rows that an earlier process has left in the spool.
    pub fn recall(&mut self, name: ConnectionName, rows: u64) {
        let id = self.id(&name);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.spooled += rows;
        }
        self.enqueue(id);
    }

    /// A message was heard. Its `previous` and `gap` are filled in. `has_spool`: the spool has room for it.
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
        lane.waiting.push_back(entry);
        self.enqueue(id);
        Taken::Memory
    }

    /// Messages that were to be written into the spool are in it.
    pub fn spooled(&mut self, lane: LaneId) {
        self.enqueue(lane);
    }

    /// So many messages that were to be written into the spool are not in it: they are dropped.
    pub fn not_spooled(&mut self, id: LaneId, count: u64) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.spooled = lane.spooled.saturating_sub(count);
            lane.dropped = lane.dropped.saturating_add(count);
            let name = lane.name.clone();
            self.actions
                .push_back(Action::Dropped(name, count, DropReason::Spool));
        }
    }

    /// Messages were missed, and nobody knows whose: the next one of each lane says so.
    pub fn lagged(&mut self) {
        for lane in self.lanes.values_mut() {
            lane.dropped = UNKNOWN_GAP;
        }
    }

    /// The name is gone: its lane goes when it is empty.
    pub fn removed(&mut self, name: &ConnectionName) {
        let Some(id) = self.by_name.get(name).copied() else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.leaves = true;
        }
        self.drop_if_gone(id);
    }

    /// There is a connection, on which so many messages of a lane may be published at once.
    pub fn connected(&mut self, window: usize) {
        self.window = Some(window.max(1));
        let ids: Vec<LaneId> = self.lanes.keys().copied().collect();
        for id in ids {
            self.enqueue(id);
        }
    }

    /// The connection is lost. What is not acknowledged may be in the stream or not: each lane asks
    /// before it goes on.
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

    /// What is to be done next; `None`: nothing before something is heard, answered or due.
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
            if expect.is_some() {
                lane.state = State::Proving;
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

    /// The stream's answer to a published message.
    pub fn acked(&mut self, id: LaneId, number: u64, ack: Ack, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let index = number.checked_sub(lane.first).map(|index| index as usize);
        let sent = index.and_then(|index| lane.unacked.get_mut(index));
        let Some(sent) = sent.filter(|sent| sent.outcome == Outcome::Open) else {
            return;
        };
        self.in_flight -= 1;
        sent.outcome = match &ack {
            Ack::Stored { .. } => Outcome::Stored,
            Ack::TooLarge => Outcome::Hopeless,
            Ack::OtherLast => Outcome::Failed,
            Ack::NoResponders | Ack::Refused { .. } => Outcome::Refused,
        };
        match ack {
            Ack::Stored { .. } => lane.failures = 0,
            Ack::TooLarge | Ack::OtherLast => {}
            Ack::NoResponders => {
                let text = "nobody takes its subject: the stream is gone, or JetStream is off";
                let action = Action::Refused(lane.name.clone(), text.into());
                self.actions.push_back(action);
            }
            Ack::Refused { code, text } => {
                let text = format!("{text} (JetStream error {code})");
                let action = Action::Refused(lane.name.clone(), text);
                self.actions.push_back(action);
            }
        }
        match lane.state {
            State::Open | State::Proving if has_failed(lane) => lane.state = State::Failing,
            State::Proving => lane.state = State::Open,
            _ => {}
        }
        self.settle(id, now);
    }

    /// What the stream has last of the name; an error's text if that is not known.
    pub fn answered(&mut self, id: LaneId, last: Result<Option<Last>, String>, now: Instant) {
        self.asks = self.asks.saturating_sub(1);
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        if lane.state != State::Asking {
            return;
        }
        match last {
            Ok(last) => {
                let expect = last.map_or(0, |last| last.sequence);
                lane.state = State::Known { expect };
                if let Some(place) = last.and_then(|last| last.place) {
                    self.skip(id, place);
                }
                self.enqueue(id);
            }
            Err(text) => {
                let action = Action::Refused(lane.name.clone(), text);
                self.actions.push_back(action);
                self.rest(id, now);
            }
        }
    }

    /// Rows of the spool behind the last that was loaded, in order; `None` if they could not be read.
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
        lane.loaded = rows.last().map(|row| row.place);
        lane.last_heard = lane.last_heard.max(lane.loaded);
        for mut row in rows {
            row.is_spooled = true;
            row.was_published = true;
            self.memory += row.cost();
            lane.waiting.push_back(row);
        }
        self.enqueue(id);
    }

    /// Looks for what is due: acknowledgements that did not come, and lanes that have rested. Once
    /// or twice a second.
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

    /// Hands out what is in memory, so that it can be kept elsewhere: at the end of the process.
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

    /// Takes what is acknowledged off the front of a lane, and decides what becomes of one that failed.
    fn settle(&mut self, id: LaneId, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let mut forget = None;
        while let Some(sent) = lane.unacked.front() {
            if !matches!(sent.outcome, Outcome::Stored | Outcome::Hopeless) {
                break;
            }
            let is_hopeless = sent.outcome == Outcome::Hopeless;
            let Some(sent) = lane.unacked.pop_front() else {
                break;
            };
            lane.first += 1;
            self.memory -= sent.entry.cost();
            if sent.entry.is_spooled {
                forget = Some(sent.entry.place);
            }
            if is_hopeless {
                give_up(lane, &mut self.actions);
            }
        }
        if let Some(place) = forget {
            self.actions
                .push_back(Action::Forget(lane.name.clone(), place));
        }
        if lane.state == State::Failing && lane.is_settled() {
            self.take_back(id);
            self.rest(id, now);
        }
        self.enqueue(id);
        self.drop_if_gone(id);
    }

    /// Puts what is published and not acknowledged back among what waits.
    fn take_back(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        for entry in lane.take_back() {
            self.memory -= entry.cost();
            if entry.is_spooled {
                let forget = Action::Forget(lane.name.clone(), entry.place);
                self.actions.push_back(forget);
            }
            give_up(lane, &mut self.actions);
        }
    }

    /// The stream has messages of the lane up to this place: they do not go again.
    fn skip(&mut self, id: LaneId, last: Place) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let (mut forget, mut stale, mut refused) = (None, 0, 0);
        while let Some(entry) = lane.waiting.front()
            && entry.place <= last
            && let Some(entry) = lane.waiting.pop_front()
        {
            self.memory -= entry.cost();
            if entry.is_spooled {
                forget = Some(entry.place);
            }
            if !entry.was_published {
                stale += 1;
            } else if entry.was_refused && entry.place < last {
                refused += 1;
            }
        }
        tell_gap(lane, stale + refused);
        let name = &lane.name;
        let mut act = |action| self.actions.push_back(action);
        if let Some(place) = forget {
            act(Action::Forget(name.clone(), place));
        }
        for (count, reason) in [(stale, DropReason::Stale), (refused, DropReason::Refused)] {
            if count > 0 {
                act(Action::Dropped(name.clone(), count, reason));
            }
        }
        // Those of an earlier life of the name come first, and are no reason.
        if stale > 0 && lane.last_heard.is_some_and(|heard| heard <= last) {
            act(Action::Raise(name.clone(), last.epoch));
        }
    }

    fn rest(&mut self, id: LaneId, now: Instant) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            let rest = REST * 2_u32.saturating_pow(lane.failures.min(5));
            // What another writer did in between is known by asking once.
            let rest = match lane.failures {
                0 => Duration::ZERO,
                _ => rest.min(LONGEST_REST),
            };
            lane.failures = lane.failures.saturating_add(1);
            lane.state = State::Resting { until: now + rest };
            if rest.is_zero() {
                lane.state = State::Unknown;
            }
        }
        self.enqueue(id);
    }

    /// Puts a lane into its queue if something can be done for it.
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
            State::Asking | State::Proving | State::Failing => return,
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

/// Whether a message of the lane was not stored, or perhaps not.
fn has_failed(lane: &Lane) -> bool {
    let failed = |sent: &InFlight| matches!(sent.outcome, Outcome::Failed | Outcome::Refused);
    lane.unacked.iter().any(failed)
}

/// A message that can never be stored is dropped.
fn give_up(lane: &mut Lane, actions: &mut VecDeque<Action>) {
    tell_gap(lane, 1);
    actions.push_back(Action::Dropped(lane.name.clone(), 1, DropReason::TooLarge));
}

/// The next message that goes out says how many were dropped before it.
fn tell_gap(lane: &mut Lane, count: u64) {
    match lane.waiting.front_mut() {
        Some(next) => next.gap = next.gap.saturating_add(count),
        None => lane.dropped = lane.dropped.saturating_add(count),
    }
}
