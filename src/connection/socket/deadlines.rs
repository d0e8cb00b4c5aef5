//! Inputs to a socket's deadlines, from the kernel, the heartbeat, the subscribers and the clocks.
//! `core` decides what is late.

use std::{task::Context as TaskContext, time::Instant};

use super::Socket;
use crate::{
    connection::{arbiter::stall_detector, state::ActorState},
    core::{Cause, Owed, Patience, State as LifeState, TcpProgress},
};

impl Socket {
    /// Nothing counts as late while this thread stood still.
    pub(super) fn forgive_stalls(&mut self, act: &mut ActorState, now: Instant) {
        let stalled = stall_detector::stalled(now);
        self.deadlines
            .forgive_stalls(stalled, &mut act.beats.state, now);
    }

    /// Notes how many of our bytes the kernel has taken, and how many of those up to a ping the
    /// peer's TCP has.
    pub(super) fn watch_writer(&mut self, act: &mut ActorState, now: Instant) {
        let timeout = act.heartbeat().timeout();
        if self.writer.take_ping_written()
            && let Some(answer) = act.beats.state.awaited()
            && let Some(timeout) = timeout
        {
            let tcp = self.tcp_progress();
            self.deadlines.ping_written(answer, timeout, tcp, now);
        }
        let (is_blocked, accepted) = (self.writer.is_blocked(), self.writer.accepted());
        self.deadlines.written(is_blocked, accepted, now);
    }

    /// Checks, when it is time, how many of the bytes up to the ping the peer's TCP has taken.
    pub(in crate::connection) fn look_at_tcp(&mut self, act: &mut ActorState, now: Instant) {
        if self.deadlines.is_look_due(now) {
            let (tcp, timeout) = (self.tcp_progress(), act.heartbeat().timeout());
            self.deadlines
                .looked(act.beats.state.awaited(), timeout, tcp, now);
        }
    }

    fn tcp_progress(&self) -> Option<TcpProgress> {
        self.stream.tcp().map(|tcp| TcpProgress {
            written: tcp.written(),
            unacknowledged: tcp.unacknowledged().unwrap_or(0),
        })
    }

    /// The peer's close frame seems late: reads what has arrived, and waits longer if our own
    /// bytes, or an incoming frame, are in its way.
    pub(in crate::connection) fn hear_out(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) {
        let is_due = |act: &ActorState| {
            let deadline = act.life.close_deadline();
            deadline.is_some_and(|deadline| deadline <= now)
        };
        if !is_due(act) {
            return;
        }
        self.read_to_end(act, now, cx);
        // If the heartbeat has pings, one goes before each close frame.
        let (answer, timeout) = (act.beats.state.awaited(), act.settings.close_timeout);
        let until = self
            .deadlines
            .close_late_until(answer.as_deref(), timeout, now);
        if is_due(act)
            && let Some(until) = until
        {
            act.life.postpone_close(until);
        }
    }

    /// Everything that has arrived was read. More messages than `messages` are signs of life.
    pub(super) fn note_life(&mut self, act: &mut ActorState, messages: u64, now: Instant) {
        let within = self.reader.within_frame();
        self.deadlines.read_all(within, &mut act.beats.state, now);
        if act.counters.received.messages != messages && act.beats.state.is_waiting() {
            let is_awaited = act.outbox.with(|locked| locked.awaits_confirmation());
            act.beats.state.heard(is_awaited, now);
        }
    }

    /// Whether a subscriber with `Overflow::Pause` stops the reading.
    pub(super) fn is_paused(
        &mut self,
        act: &mut ActorState,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        act.flush();
        let has_room = act
            .publisher
            .ask_for_room(&act.process.hub, &act.name, now, cx.waker());
        let paused = !has_room;
        self.deadlines.pause(paused, &mut act.beats.state, now);
        paused
    }

    /// Whether everything that has arrived was read.
    pub fn has_read_all(&self) -> bool {
        // Too many answers would have stopped the reading.
        self.deadlines.has_read_all() && !self.is_full_of_answers()
    }

    /// What is overdue.
    pub(in crate::connection) fn overdue(&self, act: &ActorState, now: Instant) -> Option<Cause> {
        self.deadlines.overdue(patience(act), owed(act, now), now)
    }

    /// When [`overdue`](Self::overdue) must be asked again, or something else checked.
    pub(in crate::connection) fn deadline(
        &self,
        act: &ActorState,
        now: Instant,
    ) -> Option<Instant> {
        let is_open = matches!(act.life.state(), LifeState::Open { .. });
        let next = self
            .deadlines
            .next(patience(act), owed(act, now), is_open, now);
        let stays = self.early.as_ref().and_then(|early| early.until());
        next.into_iter().chain(stays).min()
    }
}

fn patience(act: &ActorState) -> Patience {
    Patience {
        answer: act.heartbeat().timeout(),
        idle: act.idle_timeout(),
    }
}

fn owed(act: &ActorState, now: Instant) -> Owed {
    let (heartbeat, settings) = (&act.beats.state, act.heartbeat());
    Owed {
        answer: heartbeat.deadline(settings),
        is_waiting: heartbeat.is_waiting(),
        is_due: act.beats.beat_due,
        heard_instead: heartbeat.heard_instead(settings, now),
        foreign_pongs: heartbeat.has_foreign_pongs(),
    }
}
