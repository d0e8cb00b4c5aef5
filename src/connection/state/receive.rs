//! The way of incoming messages to the subscribers: deduplication after a rotation, and the peer's
//! own numbers.

use std::{sync::Arc, time::Instant};

use super::ActorState;
use crate::{
    core::{Deliverable, HoldLimits, Message, NumberPlace, OverlapRecorder, later},
    events::EventKind,
};

/// How many messages of a successor are held before the cut.
const HOLD: HoldLimits = HoldLimits {
    messages: 4096,
    bytes: 4 << 20,
};

impl ActorState {
    /// Handles a message on the current socket; `number` is the place of the peer's own number, if
    /// it was found on the way.
    #[inline]
    pub(in crate::connection) fn receive(
        &mut self,
        message: Message,
        number: Option<NumberPlace>,
        subscription: Option<Arc<str>>,
    ) {
        self.counters.count_received(&message);
        match self.inbound.deduplication.receive(message) {
            // If one comes out, it is the one that went in.
            Deliverable::One(message) => self.deliver(message, number, subscription),
            Deliverable::Many(messages) => self.deliver_held(messages),
        }
    }

    /// Handles a message that decided something for its socket's script: no other socket brings the
    /// same, so it is not compared.
    pub(in crate::connection) fn receive_own(
        &mut self,
        message: Message,
        number: Option<NumberPlace>,
        subscription: Option<Arc<str>>,
    ) {
        self.counters.count_received(&message);
        self.deliver(message, number, subscription);
    }

    /// Handles a message that a rule or a step hides from subscribers. It still counts for the
    /// peer's own numbers.
    pub(in crate::connection) fn count_unheard(
        &mut self,
        message: &Message,
        number: Option<NumberPlace>,
    ) {
        self.counters.count_received(message);
        self.check_number(message, number);
    }

    /// Handles a message on the successor.
    pub(in crate::connection) fn hold(
        &mut self,
        message: Message,
        number: Option<NumberPlace>,
        subscription: Option<Arc<str>>,
    ) {
        self.counters.count_received(&message);
        if let Some(message) = self.inbound.deduplication.hold(message) {
            self.deliver(message, number, subscription);
        }
    }

    /// A successor is about to be dialled.
    pub(in crate::connection) fn begin_deduplication(&mut self) {
        let recorder = match &self.settings.sequence {
            Some(settings) => {
                OverlapRecorder::by_sequence(settings.clone(), self.inbound.marks(), HOLD)
            }
            None => OverlapRecorder::by_payload(HOLD),
        };
        self.inbound.deduplication.begin(recorder);
    }

    /// The old socket was read to its end. Returns the successor's messages that can be delivered.
    pub(in crate::connection) fn cut(&mut self, now: Instant) -> Vec<Message> {
        self.inbound
            .deduplication
            .cut(later(now, self.settings.close_timeout))
    }

    /// The successor is lost, and the old socket stays in use.
    pub(in crate::connection) fn abandon_deduplication(&mut self, now: Instant) {
        self.inbound
            .deduplication
            .abandon(later(now, self.settings.close_timeout));
    }

    /// The time is up: nothing is held any more.
    pub(in crate::connection) fn hurry_deduplication(&mut self) {
        let held = self.inbound.deduplication.hurry();
        self.deliver_held(held);
    }

    /// A socket is gone: held messages are delivered, except known duplicates.
    pub(in crate::connection) fn end_deduplication(&mut self) {
        let held = self.inbound.deduplication.end();
        self.deliver_held(held);
    }

    /// Delivers held messages; the current socket knows their subscriptions.
    fn deliver_held(&mut self, messages: Vec<Message>) {
        for message in messages {
            let subscription = self.subscription_of(&message);
            self.deliver(message, None, subscription);
        }
    }

    /// Delivers messages with the subscriptions that `subscription_of` gives.
    pub(in crate::connection) fn deliver_all(
        &mut self,
        messages: Vec<Message>,
        subscription_of: impl Fn(&Message) -> Option<Arc<str>>,
    ) {
        for message in messages {
            let subscription = subscription_of(&message);
            self.deliver(message, None, subscription);
        }
    }

    #[inline]
    fn deliver(
        &mut self,
        message: Message,
        number: Option<NumberPlace>,
        subscription: Option<Arc<str>>,
    ) {
        if self.settings.sequence.is_some() {
            self.check_number(&message, number);
        }
        match subscription {
            None => self.publisher.message(message),
            Some(key) => self.publisher.routed(message, key),
        }
    }

    /// Publishes holes and repetitions in the peer's own numbers.
    fn check_number(&mut self, message: &Message, place: Option<NumberPlace>) {
        let Some(settings) = &self.settings.sequence else {
            return;
        };
        let number = match place {
            Some(place) => place.read(message),
            None => settings.number_of(message),
        };
        let Some((stream, number)) = number else {
            return;
        };
        let gap = self.inbound.observe(stream, number, settings.by.is_some());
        if let Some(gap) = gap {
            self.publish(EventKind::Gap(Box::new(gap)));
        }
    }

    /// Publishes the gap of a time without a socket.
    pub(in crate::connection) fn publish_blind_gap(&mut self, since: Instant, now: Instant) {
        let gap = self.inbound.blind(since, now);
        self.publish(EventKind::Gap(Box::new(gap)));
    }
}
