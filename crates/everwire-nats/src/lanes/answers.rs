//! The answers of the stream, and their effect on a lane.

use std::time::{Duration, Instant};

use everwire::ConnectionName;

use super::{
    Action, DropReason, LaneId, Lanes, Last,
    entry::Place,
    lane::{Forgotten, InFlight, Lane, Outcome, State},
};
use crate::ack::Ack;

/// The pause between two attempts of a lane that was refused: it doubles up to the longest.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);

impl Lanes {
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
            Ack::Refused { .. } => Outcome::Refused,
        };
        let is_too_large = ack == Ack::TooLarge;
        if is_too_large {
            let (gap, previous) = (sent.entry.gap.saturating_add(1), sent.entry.previous);
            // It is the last one in flight: the client refuses it at once, and a stream that
            // refuses sizes has one at a time.
            lane.tell_gap(gap, previous);
        }
        match ack {
            Ack::Stored { .. } => lane.failures = 0,
            Ack::TooLarge | Ack::OtherLast => {}
            Ack::Refused { code, text } => {
                let text = format!("{text} (JetStream error {code})");
                let action = Action::Refused(lane.name.clone(), text);
                self.actions.push_back(action);
            }
        }
        match lane.state {
            State::Open | State::Proving { .. } if has_failed(lane) => {
                lane.state = State::Failing;
            }
            // The stream has not checked the expected predecessor.
            State::Proving { expect } if is_too_large => lane.state = State::Known { expect },
            State::Proving { .. } => lane.state = State::Open,
            _ => {}
        }
        self.settle(id, now);
    }

    /// The server does not permit messages of the name: all published ones are refused.
    pub fn denied(&mut self, name: &ConnectionName, text: &str, now: Instant) {
        let id = self.by_name.get(name).copied().unwrap_or_default();
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let open = |sent: &&mut InFlight| sent.outcome == Outcome::Open;
        let mut count = 0;
        for sent in lane.unacked.iter_mut().filter(open) {
            sent.outcome = Outcome::Refused;
            count += 1;
        }
        if count == 0 {
            return;
        }
        self.in_flight -= count;
        lane.state = State::Failing;
        let refused = Action::Refused(name.clone(), text.to_owned());
        self.actions.push_back(refused);
        self.settle(id, now);
    }

    /// The stream's last message of the name, or an error text.
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
                lane.in_stream = last.and_then(|last| last.place);
                if let Some(place) = lane.in_stream {
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

    /// Removes acknowledged messages from the front of a lane, and decides about failed ones.
    pub(super) fn settle(&mut self, id: LaneId, now: Instant) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let mut forget = Forgotten::default();
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
            forget.add(&sent.entry, &mut lane.behind);
            if is_hopeless {
                self.actions.push_back(too_large(&lane.name));
            }
        }
        self.actions.extend(forgets(forget, &lane.name));
        if lane.state == State::Failing && lane.is_settled() {
            self.take_back(id);
            self.rest(id, now);
        }
        self.enqueue(id);
        self.drop_if_gone(id);
    }

    /// Puts unacknowledged messages back to the waiting ones.
    pub(super) fn take_back(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let (hopeless, forget) = lane.take_back();
        self.actions.extend(forgets(forget, &lane.name));
        for entry in hopeless {
            self.memory -= entry.cost();
            self.actions.push_back(too_large(&lane.name));
        }
    }

    /// The stream has messages of the lane up to this place: they are not published again.
    pub(super) fn skip(&mut self, id: LaneId, last: Place) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let (mut stale, mut refused) = (0, 0);
        let mut forget = Forgotten::default();
        while let Some(entry) = lane.waiting.front()
            && entry.place <= last
            && let Some(entry) = lane.waiting.pop_front()
        {
            self.memory -= entry.cost();
            forget.add(&entry, &mut lane.behind);
            if !entry.was_published {
                stale += 1;
            } else if entry.was_refused && entry.place < last {
                refused += 1;
            }
        }
        if stale + refused > 0 {
            lane.tell_gap(stale + refused, Some(last));
        }
        let name = &lane.name;
        let mut act = |action| self.actions.push_back(action);
        if let Some(forget) = forgets(forget, name) {
            act(forget);
        }
        for (count, reason) in [(stale, DropReason::Stale), (refused, DropReason::Refused)] {
            if count > 0 {
                act(Action::Dropped(name.clone(), count, reason));
            }
        }
        // Those of an earlier epoch of the name come first, and do not count.
        if stale > 0 && lane.last_heard.is_some_and(|heard| heard <= last) {
            act(Action::Raise(name.clone(), last.epoch));
        }
    }

    pub(super) fn rest(&mut self, id: LaneId, now: Instant) {
        if let Some(lane) = self.lanes.get_mut(&id) {
            let rest = REST * 2_u32.saturating_pow(lane.failures.min(5));
            // One question shows what another writer did in between.
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
}

/// Tells the spool what it can forget.
fn forgets(rows: Forgotten, name: &ConnectionName) -> Option<Action> {
    let through = rows.through?;
    Some(Action::Forget(name.clone(), through, rows.count))
}

/// Whether a message of the lane was not stored, or possibly not.
fn has_failed(lane: &Lane) -> bool {
    let failed = |sent: &InFlight| matches!(sent.outcome, Outcome::Failed | Outcome::Refused);
    lane.unacked.iter().any(failed)
}

/// A message that can never be stored is dropped.
fn too_large(name: &ConnectionName) -> Action {
    Action::Dropped(name.clone(), 1, DropReason::TooLarge)
}
