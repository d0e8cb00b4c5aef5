//! What comes in on its way to the subscribers: past the seam of a rotation, and past the peer's own numbers.

use std::time::Instant;

use super::Name;
use crate::{
    core::{Deliverable, HoldLimits, Message, Observed, Splice},
    events::{Event, Gap, GapReason},
};

/// How much of a successor's is held before the cut.
const HOLD: HoldLimits = HoldLimits {
    messages: 4096,
    bytes: 4 << 20,
};

impl Name {
    /// A message came on the socket that serves.
    pub(in crate::connection) fn receive(&mut self, message: Message) {
        self.record.received.messages += 1;
        self.record.received.bytes += message.len() as u64;
        self.record.last_message_at = Some(self.wall());
        match self.passage.receive(message) {
            Deliverable::One(message) => self.deliver(message),
            Deliverable::Many(messages) => self.deliver_all(messages),
        }
    }

    /// A message came on the successor.
    pub(in crate::connection) fn hold(&mut self, message: Message) {
        self.record.received.messages += 1;
        self.record.received.bytes += message.len() as u64;
        if let Some(message) = self.passage.hold(message) {
            self.deliver(message);
        }
    }

    /// A successor is going to be dialled.
    pub(in crate::connection) fn begin_passage(&mut self) {
        let marks = || self.sequence.as_deref().cloned().unwrap_or_default();
        self.passage.begin(match &self.settings.sequence {
            Some(settings) => Splice::by_sequence(settings.clone(), marks(), HOLD),
            None => Splice::by_payload(HOLD),
        });
    }

    /// The old socket was read to its end. Returns what can be delivered of the successor's.
    pub(in crate::connection) fn cut(&mut self, now: Instant) -> Vec<Message> {
        self.passage.cut(now + self.settings.close_timeout)
    }

    /// The successor is lost, and the old socket serves on.
    pub(in crate::connection) fn abandon_passage(&mut self, now: Instant) {
        self.passage.abandon(now + self.settings.close_timeout);
    }

    /// The time is up: nothing is held any more.
    pub(in crate::connection) fn hurry_passage(&mut self) {
        let held = self.passage.hurry();
        self.deliver_all(held);
    }

    /// A socket is gone: what is held is delivered, unless it is known to have been.
    pub(in crate::connection) fn end_passage(&mut self) {
        let held = self.passage.end();
        self.deliver_all(held);
    }

    pub(in crate::connection) fn deliver_all(&mut self, messages: Vec<Message>) {
        for message in messages {
            self.deliver(message);
        }
    }

    fn deliver(&mut self, message: Message) {
        self.check_number(&message);
        self.publish(|stamp| Event::Message(stamp, message));
    }

    /// Tells where the peer's own numbers have a hole, or come again.
    fn check_number(&mut self, message: &Message) {
        let Some(settings) = &self.settings.sequence else {
            return;
        };
        let Some((stream, number)) = settings.number_of(message) else {
            return;
        };
        let observed = self
            .sequence
            .get_or_insert_default()
            .observe(&stream, number);
        let (reason, last, missing) = match observed {
            Observed::First | Observed::Next => return,
            Observed::Hole { expected, missing } => {
                (GapReason::Hole, expected.saturating_sub(1), Some(missing))
            }
            Observed::Double { last } => (GapReason::Double, last, None),
            Observed::Restart { last } => (GapReason::Restart, last, None),
        };
        let gap = Gap {
            reason,
            blind: std::time::Duration::ZERO,
            stream: settings.by.is_some().then(|| stream.into_owned()),
            peer_seq: Some(last),
            next: Some(number),
            missing,
        };
        self.publish(|stamp| Event::Gap(stamp, Box::new(gap)));
    }

    /// Nothing was heard from `since` to `now`.
    pub(in crate::connection) fn tell_blind(&mut self, since: Instant, now: Instant) {
        let gap = Gap {
            reason: GapReason::Reconnect,
            blind: now.saturating_duration_since(since),
            stream: None,
            peer_seq: self.sequence.as_ref().and_then(|sequence| sequence.last()),
            next: None,
            missing: None,
        };
        self.publish(|stamp| Event::Gap(stamp, Box::new(gap)));
    }

    /// The numbers of the socket that serves from now on may start over.
    pub(in crate::connection) fn begin_numbers(&mut self) {
        if let Some(sequence) = &mut self.sequence {
            sequence.begin_socket();
        }
    }
}
