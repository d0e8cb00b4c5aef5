//! One socket of one incarnation.

mod ahead;
mod allowed;
mod aside;
mod aside_conversation;
pub(super) mod codec;
mod conversation;
mod deadlines;
mod early;
pub(super) mod encoder;
mod first_beat;
mod heard;
mod last_bytes;
mod last_message;
mod open;
pub(super) mod reader;
mod reading;
mod redaction;
mod replies;
mod shared_bytes;
mod steps;
mod writer;

use std::{
    io,
    task::{Context as TaskContext, Poll},
    time::Instant,
};

pub(in crate::connection) use self::open::SocketInfo;
use self::{
    allowed::{Allowed, Pings},
    early::Early,
    reader::{Reader, read_error},
    redaction::Sent,
    writer::Writer,
};
use crate::{
    connection::state::{ActorState, conversation::surroundings},
    core::{Deadlines, State as LifeState},
    events::EventKind,
    transport::Stream,
    wire::{CloseFrame, Incoming},
};

/// Frames per turn, weighted by message size, before other names of the arbiter run.
const MAX_FRAMES: usize = 128;

/// This many bytes of a message count as another frame.
const FRAME_WEIGHT: usize = 64 << 10;

/// An open socket with its two halves.
pub(in crate::connection) struct Socket {
    stream: Stream,
    reader: Reader,
    writer: Writer,
    /// When the last frame came.
    alive: Instant,
    deadlines: Deadlines,
    sent: Sent,
    /// The last message while the socket is young.
    early: Option<Box<Early>>,
}

/// jemalloc's size class: beyond it each socket takes 128 bytes more.
const _: () = assert!(size_of::<Socket>() <= 640);

impl Socket {
    /// Reads what can be read.
    pub fn poll_read(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        self.forgive_stalls(act, now);
        if !act.reported.ready {
            // Data that came with the 101 answers nothing yet: the opening messages go first.
            self.speak(act, now, cx);
        }
        self.read(act, now, cx);
        self.keep_last(act);
    }

    /// Whether only messages can happen to this socket before its deadline, unless the name is
    /// touched.
    pub fn is_settled(&self, act: &ActorState) -> bool {
        act.reported.ready
            && matches!(act.life.state(), LifeState::Open { .. })
            && act.life.may_write()
            && act.life.may_read()
            && !act.life.is_flushing()
            && !act.beats.state.is_waiting()
            && !act.beats.beat_due
            && !act.beats.probe_due
            && act.ahead.is_empty()
            && self.has_known_age()
            && act.has_passed()
            && !act.is_waiting_for_work()
            && !act.wants_place()
            && !self.deadlines.is_paused()
            && self.writer.is_idle()
            && !self.writer.has_subscription()
            && !self.writer.is_held_back()
    }

    /// Whether the read data ended with a whole message, so that no partial frame needs a deadline.
    pub fn is_between_frames(&self) -> bool {
        self.reader.within_frame().is_none()
    }

    /// Writes what can be written, after a read.
    pub fn poll_write(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        if act.life.holds_a_link() {
            self.speak(act, now, cx);
        }
        self.watch_writer(act, now);
        self.watch_age(act, now);
    }

    /// Sends a ping after the written messages, if none is unanswered. The writer knows whether one
    /// is wanted.
    pub fn fence(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        let may = act.reported.ready && act.life.may_write() && self.writer.is_idle();
        if may && act.settings.heartbeat.can_fence() && !act.beats.state.is_waiting() {
            self.write(act, now, cx);
            self.watch_writer(act, now);
            self.record_written(act);
        }
    }

    /// Writes what waits, and reports when the opening messages are out.
    fn speak(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        self.take_ahead(act);
        self.write(act, now, cx);
        while self.take_ahead(act) || self.goes_on(act, now) || self.hears_work(act, now, cx) {
            self.write(act, now, cx);
        }
        if !act.reported.ready
            && act.has_passed()
            && self.writer.messages_ahead() == 0
            && matches!(act.life.state(), LifeState::Open { .. })
        {
            act.reported.ready = true;
            act.show_state();
            act.publish(EventKind::Ready);
            if let Some(since) = act.last.blind_since.take() {
                act.publish_blind_gap(since, now);
            }
            self.begin_periodic(act, now);
            self.write(act, now, cx);
            self.writer.release_queues();
        }
    }

    /// Tells the conversation what was written. `true` if it has more to write.
    fn goes_on(&mut self, act: &mut ActorState, now: Instant) -> bool {
        let (ahead, subscribes) = (self.writer.messages_ahead(), self.writer.has_subscription());
        self.go_on_conversing(act, now);
        let has_more =
            self.writer.messages_ahead() > ahead || (self.writer.has_subscription() && !subscribes);
        has_more && !self.writer.is_blocked()
    }

    /// Takes the messages that go before the outbox. `true` if there were any. Messages that a
    /// stuck socket cannot take stay counted here; during a handover all wait for the successor.
    fn take_ahead(&mut self, act: &mut ActorState) -> bool {
        if act.ahead.is_empty()
            || !act.has_passed()
            || !self.writer.has_none_ahead()
            || act.life.is_handing_over()
        {
            return false;
        }
        let messages = act.ahead.take().into_iter();
        messages.for_each(|message| self.writer.message(message));
        true
    }

    fn write(&mut self, act: &mut ActorState, now: Instant, cx: &mut TaskContext<'_>) {
        if let Poll::Ready(Err(error)) = self.push(act, now, cx) {
            // The peer's last data matters more than our failed write: a close frame, for example.
            self.read_to_end(act, now, cx);
            if act.life.may_read() {
                act.lost(read_error(&error), now);
            }
        }
    }

    fn push(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> Poll<io::Result<()>> {
        let here = match act.serving {
            Some(_) => Some(surroundings!(self, act, now)),
            None => None,
        };
        let (conversation, named) = match act.serving.as_deref_mut() {
            Some(serving) => (Some(&mut serving.conversation), serving.beats.heartbeat()),
            None => (None, None),
        };
        if let Some(requests) = &mut act.requests {
            requests.forget_gone();
        }
        let beats = &mut act.beats;
        let mut allowed = Allowed {
            outbox: act.reported.ready && act.life.may_write(),
            buckets: act.buckets.as_deref(),
            pings: act.life.may_read().then_some(Pings {
                heartbeat: &mut beats.state,
                settings: &act.settings,
                kind: named.unwrap_or(&act.settings.heartbeat),
                beat_due: &mut beats.beat_due,
                last_due: &mut beats.probe_due,
                now,
            }),
            conversation: conversation.zip(here),
            requests: act.requests.as_deref_mut(),
            has_spoken: false,
        };
        let written = self
            .writer
            .poll_write(&mut self.stream, &act.outbox, &mut allowed, cx);
        if allowed.has_spoken
            && let Some((conversation, _)) = allowed.conversation
        {
            conversation.said(now);
        }
        written
    }

    /// Sends the last frame of this socket.
    pub fn send_close(&mut self, frame: CloseFrame) {
        self.writer.close(frame);
    }

    /// When to ask the rate limit again about the next message.
    pub fn paced_until(&self) -> Option<Instant> {
        self.writer.paced_until()
    }

    /// Whether the rate limit holds the next message back.
    pub fn is_paced(&self, now: Instant) -> bool {
        self.writer.is_paced(now)
    }

    /// The last message that the kernel has taken as a whole; reset by this call.
    pub fn take_written(&mut self) -> Option<u64> {
        self.writer.take_written()
    }

    /// Counts and publishes the opening messages, and `Connect`'s data, that the kernel has taken
    /// as a whole.
    pub fn publish_openings(&mut self, act: &mut ActorState) {
        let openings = self.writer.take_openings();
        if openings.messages > 0 {
            act.publish_openings(openings);
        }
    }

    fn record_written(&mut self, act: &mut ActorState) {
        if let Some(id) = self.writer.take_written() {
            let written = act.outbox.with(|locked| locked.outbox.written(id));
            act.counters.count_sent(written);
        }
    }

    /// Whether the kernel has everything that this socket was given, except for a step that waits
    /// for a rate of its own.
    pub fn is_flushed(&self) -> bool {
        self.writer.is_flushed()
    }
}

/// How many more frames a message counts as. A few bytes on the wire may decompress to megabytes.
fn weight(incoming: &Incoming) -> usize {
    let len = match incoming {
        Incoming::Text(text) => text.len(),
        Incoming::Binary(payload) => payload.len(),
        Incoming::Ping(_) | Incoming::Pong(_) | Incoming::Close(_) => 0,
    };
    len / FRAME_WEIGHT
}
