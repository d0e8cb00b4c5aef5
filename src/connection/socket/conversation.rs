//! Events of a socket for its conversation.

use std::time::Instant;

use everwire_proto::{dialogue::Concern, settings::dialogue::HeartbeatStart};

use super::{
    Socket,
    aside_conversation::take_prepared,
    first_beat::begin_beats,
    heard::{Heard, Listened},
};
use crate::{
    connection::state::{
        ActorState,
        conversation::{LiveConversation, NamedBeats, Serving, surroundings},
    },
    core::{Message, State as LifeState},
    settings::Heartbeat,
};

/// This many unwritten answers of rules stop the reading.
const MAX_ANSWERS: usize = 128;

impl Socket {
    /// The current socket has opened.
    pub(super) fn begin_conversation(&mut self, act: &mut ActorState, now: Instant) {
        let is_known = |conversation: &LiveConversation| conversation.is_of(&act.settings);
        if !act.conversation().is_some_and(is_known) {
            act.keep_last_captures(now);
            act.serving = Serving::renewed(act.serving.take(), &act.settings, &act.outbox);
        }
        if act.serving.is_none() {
            return act.want_interval();
        }
        let here = surroundings!(self, act, now);
        if let Some(serving) = &mut act.serving {
            serving.beats = NamedBeats::default();
            let is_handover = serving.take_handover();
            serving.conversation.set_handover(is_handover);
            serving
                .conversation
                .prepared(take_prepared(&mut self.early));
            serving.conversation.catch_up(&act.outbox.wishes(), here);
            serving.conversation.opened(here);
        }
        begin_beats(act, HeartbeatStart::Open, now);
        self.carry_out(act, now);
    }

    /// A waiting socket becomes the current one.
    pub fn serve(&mut self, act: &mut ActorState, now: Instant) {
        let aside = self.early.as_mut().and_then(|early| early.aside.take());
        let Some(conversation) = aside else {
            act.keep_last_captures(now);
            act.serving = None;
            return act.want_interval();
        };
        if act
            .conversation()
            .is_some_and(|known| !conversation.is_of_the_same(known))
        {
            act.keep_last_captures(now);
        }
        let mut serving = Serving::hand_over(act.serving.take(), *conversation);
        let named = serving.conversation.heartbeat(&act.settings);
        serving.beats.set_heartbeat(named);
        act.serving = Some(serving);
        begin_beats(act, HeartbeatStart::Open, now);
        if act.has_passed() {
            begin_beats(act, HeartbeatStart::Ready, now);
        }
        match act.reported.ready {
            true => self.begin_periodic(act, now),
            false => self.carry_out(act, now),
        }
    }

    /// Handles a message on the current socket that concerns the conversation.
    pub(super) fn converse(
        &mut self,
        act: &mut ActorState,
        message: &Message,
        concern: Concern,
        now: Instant,
    ) -> Listened {
        if concern.is_only_routed()
            && let Some(serving) = &mut act.serving
        {
            let conversation = &mut serving.conversation;
            let (key, number) = conversation.subscription_by(message, &act.settings);
            act.answer_by_value(message);
            return (Heard::Message(key), number);
        }
        place_answered(act);
        let here = surroundings!(self, act, now);
        let Some(serving) = &mut act.serving else {
            return (Heard::Message(None), None);
        };
        let conversation = &mut serving.conversation;
        let times =
            |conversation: &LiveConversation| (conversation.deadline(), conversation.keeps_at(now));
        let before = concern.moves_times().then(|| times(conversation));
        let could_place = !conversation.wants_place();
        let (heard, number) = conversation.message(message, concern, here);
        let is_later = before.is_some_and(|before| times(conversation) != before);
        let wants_place = could_place && conversation.wants_place();
        if conversation.has_replies() || is_later {
            act.turns.touch();
            self.carry_out(act, now);
        }
        if wants_place {
            begin_places(act);
        }
        if heard.is_pong {
            act.turns.touch();
            let fence = act.beats.state.matched(&act.settings.heartbeat, now);
            if let Some(fence) = fence {
                act.confirmed(fence);
            }
            let heard = match delivers_pongs(&act.settings.heartbeat) {
                true => Heard::Message(None),
                false => Heard::Hidden,
            };
            return (heard, number);
        }
        act.answer_by_value(message);
        (heard.into(), number)
    }

    /// Continues the script after a write, or as time passes.
    pub fn go_on_conversing(&mut self, act: &mut ActorState, now: Instant) {
        if act.serving.is_none() {
            return;
        }
        if !matches!(act.life.state(), LifeState::Open { .. }) {
            self.end_periodic(act, now);
        }
        place_answered(act);
        let is_written = self.writer.take_step_written();
        let subscriptions_written = self.writer.take_subscriptions_written();
        let here = surroundings!(self, act, now);
        if let Some(serving) = &mut act.serving {
            serving
                .conversation
                .subscriptions_written(subscriptions_written, here);
            if is_written {
                serving.conversation.written(here);
            }
            serving.conversation.timer(here);
            if serving.conversation.awaits_store() {
                let stored = act.outbox.history().stored();
                serving.conversation.stored(stored, here);
                act.outbox
                    .set_acknowledges(serving.conversation.awaits_store());
            }
        }
        self.carry_out(act, now);
    }

    /// Whether so many answers wait that some must be written before more is read. `messages` were
    /// received before.
    pub(super) fn must_answer_first(
        &mut self,
        act: &mut ActorState,
        messages: u64,
        now: Instant,
    ) -> bool {
        let waits = act
            .conversation()
            .is_some_and(LiveConversation::stops_reading);
        // Our own limit stops the reading, so the peer is not late meanwhile.
        if waits || self.deadlines.is_paused() {
            self.deadlines.pause(waits, &mut act.beats.state, now);
        }
        let is_blocked = self.is_full_of_answers();
        if waits || is_blocked {
            act.turns.touch();
        }
        if is_blocked && !waits {
            // Nothing is read until the peer takes some answers. If it does not, that counts as its
            // own delay.
            self.note_life(act, messages, now);
        }
        waits || is_blocked
    }

    /// Whether the peer has left so many answers untaken that no more may be read.
    pub(super) fn is_full_of_answers(&self) -> bool {
        self.writer.answers() >= MAX_ANSWERS
    }
}

/// An incoming message will be answered once it is stored; its place in the history comes after
/// those delivered now.
fn begin_places(act: &mut ActorState) {
    act.turns.touch();
    act.outbox.set_acknowledges(true);
    if act.inbound.deduplication.holds_back() {
        return;
    }
    let behind = act.history_position();
    if let Some(serving) = &mut act.serving {
        serving.conversation.begin_places(behind);
    }
}

/// Sets the places of earlier messages that are answered once they are stored. They were delivered,
/// unless some are held back.
fn place_answered(act: &mut ActorState) {
    if !act.wants_place() || act.inbound.deduplication.holds_back() {
        return;
    }
    let through = act.history_position();
    if let Some(serving) = &mut act.serving {
        serving.conversation.placed(through);
    }
}

fn delivers_pongs(heartbeat: &Heartbeat) -> bool {
    matches!(heartbeat, Heartbeat::Text { deliver: true, .. })
}
