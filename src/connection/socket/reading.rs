//! The reading of a socket within a turn.

use std::{
    task::{Context as TaskContext, Poll},
    time::Instant,
};

use super::{MAX_FRAMES, Socket, heard::Heard, weight};
use crate::{
    connection::{
        arbiter::dial_scheduler,
        state::{ActorState, policy},
    },
    core::{Cause, Message},
    settings::Heartbeat,
    wire::{Incoming, Opcode},
};

impl Socket {
    pub(super) fn read(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        let before = act.counters.received.messages;
        self.read_turn(act, now, cx);
        self.reader.rest();
        self.note_heard(act, before, now);
        act.flush();
        act.publisher.end_turn();
        act.tell_callers();
    }

    fn read_turn(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        let mut turn = 0;
        self.deadlines.reads();
        let messages = act.counters.received.messages;
        while turn < MAX_FRAMES {
            if act.life.is_goodbye() {
                if self.reader.poll_discard(&mut self.stream, cx).is_ready() {
                    act.lost(Cause::Eof, now);
                }
                return;
            }
            if !act.life.may_read() || (act.publisher.needs_room() && self.is_paused(act, now, cx))
            {
                act.turns.touch();
                return;
            }
            if act.serving.is_some() && self.must_answer_first(act, messages, now) {
                return;
            }
            match self.reader.poll_next(&mut self.stream, now, cx) {
                Poll::Pending => {
                    self.note_life(act, messages, now);
                    return;
                }
                Poll::Ready(Ok(Some(incoming))) => {
                    self.alive = now;
                    turn += 1 + weight(&incoming);
                    self.incoming(act, incoming, now);
                }
                Poll::Ready(Ok(None)) => {
                    self.alive = now;
                    turn += 1;
                }
                Poll::Ready(Err(cause)) => {
                    act.turns.touch();
                    act.flush();
                    let Some(code) = cause.close_code() else {
                        return act.lost(cause, now);
                    };
                    // Answers to earlier frames must not be lost with the bad one. A write error
                    // shows again at the close frame.
                    let _unsent = self.push(act, now, cx);
                    turn += 1;
                    let policy = policy(&act.settings);
                    act.life
                        .violated(cause, code, policy, now, &mut act.effects);
                }
            }
        }
        cx.waker().wake_by_ref();
    }

    #[inline]
    pub(super) fn incoming(&mut self, act: &mut ActorState, incoming: Incoming, now: Instant) {
        match incoming {
            Incoming::Text(text) => {
                if (act.serving.is_none() || !act.matches_pongs())
                    && let Some(fence) = act.beats.state.text(&act.settings.heartbeat, &text, now)
                {
                    act.turns.touch();
                    if let Some(fence) = fence {
                        act.confirmed(fence);
                    }
                    if !delivers_pongs(&act.settings.heartbeat) {
                        return;
                    }
                }
                self.message(act, Message::Text(text), now);
            }
            Incoming::Binary(bytes) => self.message(act, Message::Binary(bytes), now),
            Incoming::Ping(payload) => {
                act.turns.touch();
                self.writer.control(Opcode::Pong, payload);
            }
            Incoming::Pong(payload) => {
                act.turns.touch();
                if let Some(fence) = act.beats.state.pong(&act.settings.heartbeat, &payload, now) {
                    act.confirmed(fence);
                }
            }
            Incoming::Close(frame) => {
                act.turns.touch();
                let frame = self.sent.taken_out_of(frame);
                // The name can still answer earlier messages.
                act.flush();
                act.life
                    .peer_closed(frame, policy(&act.settings), now, &mut act.effects);
            }
        }
    }

    #[inline]
    fn message(&mut self, act: &mut ActorState, message: Message, now: Instant) {
        if act.last.blind_since.is_some() {
            tell_gap(act, now);
        }
        self.note(act, &message);
        let serving = act.serving.as_ref();
        let mut subscription = None;
        let number = match serving.and_then(|serving| serving.conversation.concern(&message)) {
            Some(concern) => match self.converse(act, &message, concern, now) {
                (Heard::Message(key), number) => {
                    subscription = key;
                    number
                }
                (Heard::Own(key), number) => return act.receive_own(message, number, key),
                (Heard::Hidden, number) => return act.count_unheard(&message, number),
            },
            None => {
                act.answer_by_value(&message);
                None
            }
        };
        // The only call, so that it is inlined.
        act.receive(message, number, subscription);
    }

    /// If messages have come since `before`, notes a sign of life, once for all of them.
    pub(super) fn note_heard(&mut self, act: &mut ActorState, before: u64, now: Instant) {
        if act.counters.received.messages != before {
            self.deadlines.heard(now);
            dial_scheduler::heard(now);
            act.counters.last_message_at = Some(act.wall());
        }
    }
}

/// Before the first message after those that were discarded while a subscriber paused the reading.
#[cold]
fn tell_gap(act: &mut ActorState, now: Instant) {
    // A socket that is not ready reports the gap when it is.
    if act.reported.ready
        && let Some(since) = act.last.blind_since.take()
    {
        act.publish_blind_gap(since, now);
    }
}

fn delivers_pongs(heartbeat: &Heartbeat) -> bool {
    matches!(heartbeat, Heartbeat::Text { deliver: true, .. })
}
