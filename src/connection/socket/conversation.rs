//! What a socket does for its conversation: it tells it what happens, and carries out what it wants done.

use std::time::{Duration, Instant};

use everwire_proto::{
    dialogue::Reply,
    settings::dialogue::{FirstBeat, HeartbeatStart},
};

use super::{Socket, early::Early, heard::Heard, open::connect_data};
use crate::{
    chance,
    connection::{
        outbox::rate_limit::BucketSet,
        state::{
            ActorState,
            conversation::{LiveConversation, Serving, surroundings},
            policy,
        },
    },
    core::{Cause, Message, State as LifeState},
    events::EventKind,
    settings::Heartbeat,
    transport::PreparedDial,
};

/// So many answers of rules that the peer does not take stop the reading.
const MAX_ANSWERS: usize = 128;

impl Socket {
    /// The socket that serves is open.
    pub(super) fn begin_conversation(&mut self, act: &mut ActorState, now: Instant) {
        let is_known = |conversation: &LiveConversation| {
            act.settings
                .dialogue
                .as_ref()
                .is_some_and(|dialogue| conversation.is_of(dialogue))
        };
        if !act.conversation().is_some_and(is_known) {
            act.keep_last_captures(now);
            act.serving = Serving::renewed(act.serving.take(), &act.settings, &act.outbox);
        }
        if act.serving.is_none() {
            return act.want_interval();
        }
        let here = surroundings!(self, act, now);
        if let Some(serving) = &mut act.serving {
            (serving.named, serving.first_beat) = (None, None);
            serving.conversation.is_handover = serving.take_handover();
            serving
                .conversation
                .prepared(take_prepared(&mut self.early));
            serving.conversation.opened(here);
        }
        begin_beats(act, HeartbeatStart::Open, now);
        self.carry_out(act, now);
    }

    /// The socket is open beside the one that serves.
    pub fn begin_aside(&mut self, act: &mut ActorState, now: Instant) -> Result<(), Cause> {
        let mut aside = LiveConversation::successor(act.conversation(), &act.settings);
        if let (Some(aside), Some(serving)) = (&mut aside, &mut act.serving) {
            aside.is_handover = serving.take_handover();
        }
        if let Some(aside) = &mut aside {
            aside.begin_places(act.history_position());
            aside.prepared(take_prepared(&mut self.early));
        }
        self.early.get_or_insert_default().aside = aside;
        let here = surroundings!(self, act, now);
        if let Some(conversation) = aside_mut(&mut self.early) {
            conversation.opened(here);
        }
        self.carry_out_aside(act)
    }

    /// The socket that was made ready beside another one serves from now on.
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
        serving.named = serving.conversation.heartbeat(&act.settings);
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

    /// A message has come on the socket that serves, and a conversation looks at it.
    pub(super) fn converse(
        &mut self,
        act: &mut ActorState,
        message: &Message,
        now: Instant,
    ) -> Heard {
        place_answered(act);
        let here = surroundings!(self, act, now);
        let Some(serving) = &mut act.serving else {
            return Heard::Message;
        };
        let conversation = &mut serving.conversation;
        let before = (conversation.deadline(), conversation.keeps_at(now));
        let could_place = !conversation.wants_place();
        let heard = conversation.message(message, here);
        let is_later = (conversation.deadline(), conversation.keeps_at(now)) != before;
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
            return match delivers_pongs(&act.settings.heartbeat) {
                true => Heard::Message,
                false => Heard::Hidden,
            };
        }
        heard.into()
    }

    /// A message has come on a socket beside the one that serves.
    pub(super) fn hear_beside(
        &mut self,
        act: &mut ActorState,
        message: &Message,
        now: Instant,
    ) -> Result<Heard, Cause> {
        let here = surroundings!(self, act, now);
        let Some(conversation) = aside_mut(&mut self.early) else {
            return Ok(Heard::Message);
        };
        let heard = conversation.message(message, here);
        self.carry_out_aside(act)?;
        Ok(heard.into())
    }

    /// What was written, and what time it is, may let the script go on.
    pub fn go_on_conversing(&mut self, act: &mut ActorState, now: Instant) {
        if act.serving.is_none() {
            return;
        }
        if !matches!(act.life.state(), LifeState::Open { .. }) {
            self.end_periodic(act, now);
        }
        place_answered(act);
        let is_written = self.writer.take_step_written();
        let here = surroundings!(self, act, now);
        if let Some(serving) = &mut act.serving {
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

    /// The same beside the socket that serves.
    pub(super) fn go_on_aside(&mut self, act: &mut ActorState, now: Instant) -> Result<(), Cause> {
        if self.aside().is_none() {
            return Ok(());
        }
        let is_written = self.writer.take_step_written();
        let here = surroundings!(self, act, now);
        if let Some(conversation) = aside_mut(&mut self.early) {
            if is_written {
                conversation.written(here);
            }
            conversation.timer(here);
        }
        self.carry_out_aside(act)
    }

    /// Whether it was dialled at a URL that the peer named: then the socket before it is left without a word.
    pub fn is_handover_aside(&self) -> bool {
        self.aside().is_some_and(|aside| aside.is_handover)
    }

    pub(super) fn aside(&self) -> Option<&LiveConversation> {
        self.early.as_ref()?.aside.as_deref()
    }

    /// Whether so many answers wait that nothing may be read before some of them are written. So many messages were received before.
    pub(super) fn must_answer_first(
        &mut self,
        act: &mut ActorState,
        messages: u64,
        now: Instant,
    ) -> bool {
        let waits = act
            .conversation()
            .is_some_and(LiveConversation::stops_reading);
        // It is our own limit that keeps us from reading: meanwhile the peer is not late.
        if waits || self.deadlines.is_paused() {
            self.deadlines.pause(waits, &mut act.beats.state, now);
        }
        let is_blocked = self.is_full_of_answers();
        if waits || is_blocked {
            act.turns.touch();
        }
        if is_blocked && !waits {
            // Nothing is read until the peer takes some. That it does not is its own fault.
            self.note_life(act, messages, now);
        }
        waits || is_blocked
    }

    /// Whether so many answers were not taken by the peer that no more may be read.
    pub(super) fn is_full_of_answers(&self) -> bool {
        self.writer.answers() >= MAX_ANSWERS
    }

    /// Whether so many answers wait beside the socket that serves that no more may be read.
    pub(super) fn has_too_many_answers_aside(&self) -> bool {
        self.aside()
            .is_some_and(|conversation| conversation.stops_reading() || self.is_full_of_answers())
    }

    /// The script of the socket beside the one that serves has passed, where there is one.
    pub(super) fn has_passed_aside(&self) -> bool {
        self.aside()
            .is_none_or(|conversation| conversation.has_passed())
    }

    /// When the conversation beside the one that serves has something to do.
    pub fn aside_deadline(&self) -> Option<Instant> {
        self.aside()?.deadline()
    }

    /// Carries out what the conversation wants done.
    pub(super) fn carry_out(&mut self, act: &mut ActorState, now: Instant) {
        while let Some(serving) = &mut act.serving
            && serving.conversation.has_replies()
        {
            let mut replies = serving.conversation.take_replies();
            for reply in replies.drain(..) {
                self.carry_out_one(act, reply, now);
            }
            if let Some(serving) = &mut act.serving {
                serving.conversation.give_back(replies);
            }
        }
    }

    fn carry_out_one(&mut self, act: &mut ActorState, reply: Reply, now: Instant) {
        match reply {
            Reply::Compose => {
                let buckets = own_buckets(act, act.conversation());
                self.writer.step(buckets);
            }
            Reply::ComposeNow => self.writer.step_now(),
            Reply::Sign(requests) => {
                if let Some(serving) = &mut act.serving {
                    serving.conversation.sign(requests);
                }
            }
            Reply::MayClose => self.may_close(act, now),
            Reply::Answer(message) => self.writer.answer(message),
            Reply::Passed => {
                if let Some(data) = connect_data(act) {
                    self.writer.message(data);
                }
                begin_beats(act, HeartbeatStart::Ready, now);
            }
            Reply::Times => {
                let interval = act.heartbeat().interval();
                if let Some(serving) = &mut act.serving {
                    serving.named = serving.conversation.heartbeat(&act.settings);
                }
                if act.heartbeat().interval() != interval {
                    let conversation = act.conversation();
                    let templates = conversation.and_then(|it| it.heartbeat_templates());
                    let from = match (act.has_passed(), templates) {
                        (true, Some(templates)) => templates.from,
                        (true, None) | (false, _) => HeartbeatStart::Open,
                    };
                    begin_beats(act, from, now);
                }
            }
            Reply::Beat => act.beats.beat_due = true,
            Reply::Stale => {
                if let Some(conversation) = act.conversation() {
                    conversation.discard_shared();
                }
            }
            Reply::NextUrl(url) => act.dial_next(&url),
            Reply::Rotate { url } => {
                if let Some(url) = url {
                    act.dial_next(&url);
                }
                act.life.rotate(&mut act.effects);
            }
            Reply::Lose(cause) => {
                let (cause, code) = (self.without_secrets(cause), act.settings.close_code);
                let policy = policy(&act.settings);
                act.life
                    .violated(cause, code, policy, now, &mut act.effects);
            }
            Reply::Error(cause) => {
                let cause = self.without_secrets(cause);
                act.publish(EventKind::Error(Box::new(cause.into())));
            }
            Reply::Happened(happening) => {
                let at = act.wall();
                if let Some(serving) = &mut act.serving {
                    let mask = |text: &str| self.sent.masked(text);
                    serving.conversation.tell(*happening, at, mask);
                }
            }
        }
    }

    /// The same beside the socket that serves: only what concerns this socket.
    pub(super) fn carry_out_aside(&mut self, act: &mut ActorState) -> Result<(), Cause> {
        let replies = match aside_mut(&mut self.early) {
            Some(conversation) => conversation.take_replies(),
            None => return Ok(()),
        };
        for reply in replies {
            match reply {
                Reply::Compose => {
                    let buckets = own_buckets(act, self.aside());
                    self.writer.step(buckets);
                }
                Reply::ComposeNow => self.writer.step_now(),
                Reply::Sign(requests) => {
                    if let Some(conversation) = aside_mut(&mut self.early) {
                        conversation.sign(requests);
                    }
                }
                Reply::Answer(message) => self.writer.answer(message),
                Reply::Passed => {
                    if let Some(data) = connect_data(act) {
                        self.writer.message(data);
                    }
                }
                // It is asked when the socket serves.
                Reply::Times | Reply::Beat => {}
                // It is not closed before it has served.
                Reply::MayClose => {}
                // It is a successor already.
                Reply::Rotate { .. } | Reply::NextUrl(_) => {}
                Reply::Stale => {
                    if let Some(conversation) = self.aside() {
                        conversation.discard_shared();
                    }
                }
                Reply::Lose(cause) => return Err(self.without_secrets(cause)),
                Reply::Error(cause) => {
                    let cause = self.without_secrets(cause);
                    act.publish(EventKind::Error(Box::new(cause.into())));
                }
                Reply::Happened(happening) => {
                    let sent = &self.sent;
                    if let Some(conversation) = aside_mut(&mut self.early) {
                        conversation.tell(*happening, act.wall(), |text| sent.masked(text));
                    }
                }
            }
        }
        Ok(())
    }

    /// The cause without what of it is secret: words of the server's may stand in it.
    fn without_secrets(&self, mut cause: Cause) -> Cause {
        if let Some(text) = cause.foreign_text(true)
            && let Some(masked) = self.sent.masked(text)
        {
            *text = masked;
        }
        cause
    }
}

/// The buckets that the step on its way waits for, if they are not the connection's alone.
fn own_buckets(act: &ActorState, talk: Option<&LiveConversation>) -> Option<Box<BucketSet>> {
    let rates = talk?.step_rates();
    let buckets = || {
        let buckets = &act.process.buckets;
        buckets.with_step(&act.name, act.buckets.as_deref(), rates)
    };
    (!rates.is_empty()).then(buckets).flatten()
}

/// The message that has come is answered once it is stored: it will lie behind those that are told now.
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

/// Where the messages lie that came before and are answered once they are stored: they were delivered, unless some are held back.
fn place_answered(act: &mut ActorState) {
    if !act.wants_place() || act.inbound.deduplication.holds_back() {
        return;
    }
    let through = act.history_position();
    if let Some(serving) = &mut act.serving {
        serving.conversation.placed(through);
    }
}

/// The conversation of a socket beside the one that serves.
pub(super) fn aside_mut(early: &mut Option<Box<Early>>) -> Option<&mut LiveConversation> {
    early.as_mut()?.aside.as_deref_mut()
}

fn take_prepared(early: &mut Option<Box<Early>>) -> Option<Box<PreparedDial>> {
    early.as_mut()?.prepared.take()
}

/// The beats of the socket that serves begin, if they begin `at` this point.
fn begin_beats(act: &mut ActorState, at: HeartbeatStart, now: Instant) {
    let conversation = act.conversation();
    let templates = conversation.and_then(LiveConversation::heartbeat_templates);
    let first = match (templates, at) {
        // Without templates they begin with the socket, as ever.
        (None, HeartbeatStart::Open) => FirstBeat::Interval,
        (None, HeartbeatStart::Ready) => return,
        (Some(_), at) => match conversation.and_then(|it| it.first_beat(at)) {
            Some(first) => first,
            None => return,
        },
    };
    let Some(interval) = act.heartbeat().interval() else {
        return;
    };
    let wait = match first {
        FirstBeat::Interval => return act.want_interval(),
        FirstBeat::Now => Duration::ZERO,
        FirstBeat::Jitter => {
            let share = f64::from(chance::next_u32()) / f64::from(u32::MAX);
            interval.mul_f64(share)
        }
    };
    if let Some(serving) = &mut act.serving {
        serving.first_beat = Some(now + wait);
    }
}

fn delivers_pongs(heartbeat: &Heartbeat) -> bool {
    matches!(heartbeat, Heartbeat::Text { deliver: true, .. })
}
