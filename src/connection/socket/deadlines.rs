//! When a socket is late, and when it is not to be blamed: while this thread stood still, while nobody may read it, and while
//! bytes are on their way in either direction.

use std::{
    task::Context as TaskContext,
    time::{Duration, Instant},
};

use super::Socket;
use crate::{
    clock,
    connection::{arbiter::stall_detector, state::Name},
    core::{Cause, State as LifeState},
};

/// In this part of a timeout the peer's TCP is looked at again, while it has not taken a ping whole.
const LOOKS: u32 = 16;

/// Bytes that the kernel does not take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    /// When it took some last, and how many it had taken then.
    progress: Instant,
    accepted: u64,
}

/// What the peer's TCP has of the bytes up to a ping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// Where the ping ends, by bytes written to TCP.
    end: u64,
    /// When to look again.
    next: Instant,
}

impl Socket {
    /// While this thread stood still, nobody was late.
    pub(super) fn forgive_stalls(&mut self, act: &mut Name, now: Instant) {
        let stalled = stall_detector::stalled(now);
        let more = stalled.saturating_sub(self.stalled);
        if !more.is_zero() {
            self.stalled = stalled;
            self.heard += more;
            if let Some(blocked) = &mut self.blocked {
                blocked.progress = now.min(blocked.progress + more);
            }
            act.heartbeat
                .forgive(now.checked_sub(more).unwrap_or(now), now);
        }
    }

    /// Notes what the kernel takes of our bytes, and the peer's TCP of those up to a ping.
    pub(super) fn watch_writer(&mut self, act: &mut Name, now: Instant) {
        if self.writer.take_ping_written() {
            self.ping_written(act, now);
        }
        let accepted = self.writer.accepted();
        match (self.writer.is_blocked(), &mut self.blocked) {
            (true, Some(blocked)) => {
                if accepted > blocked.accepted {
                    (blocked.accepted, blocked.progress) = (accepted, now);
                }
            }
            (true, none) => {
                *none = Some(Blocked {
                    progress: now,
                    accepted,
                });
            }
            (false, blocked) => *blocked = None,
        }
    }

    fn ping_written(&mut self, act: &mut Name, now: Instant) {
        let (Some(answer), Some(timeout)) =
            (act.heartbeat.awaited(), act.settings.heartbeat.timeout())
        else {
            return;
        };
        let tcp = self.stream.tcp();
        let untaken = tcp.and_then(|tcp| tcp.unacknowledged()).unwrap_or(0);
        answer.written(untaken, now);
        self.look = tcp.filter(|_| untaken > 0).map(|tcp| Look {
            end: tcp.written(),
            next: now + timeout / LOOKS,
        });
    }

    /// Looks how much the peer's TCP has taken of the bytes up to the ping, when it is time.
    pub(in crate::connection) fn look_at_tcp(&mut self, act: &mut Name, now: Instant) {
        let Some(look) = self.look.as_mut().filter(|look| look.next <= now) else {
            return;
        };
        let (Some(answer), Some(timeout), Some(tcp)) = (
            act.heartbeat.awaited(),
            act.settings.heartbeat.timeout(),
            self.stream.tcp(),
        ) else {
            self.look = None;
            return;
        };
        let behind = tcp.written().saturating_sub(look.end);
        let unacknowledged = tcp.unacknowledged().unwrap_or(0);
        answer.looked(unacknowledged.saturating_sub(behind), now);
        look.next = now + timeout / LOOKS;
        if answer.untaken() == 0 {
            self.look = None;
        }
    }

    /// The peer's close frame seems to be late: reads what has come, and waits longer where our own bytes, or a frame that comes in,
    /// are in its way.
    pub(in crate::connection) fn hear_out(
        &mut self,
        act: &mut Name,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) {
        let is_due = |act: &Name| {
            let deadline = act.life.close_deadline();
            deadline.is_some_and(|deadline| deadline <= now)
        };
        if !is_due(act) {
            return;
        }
        self.read_to_end(act, now, cx);
        let timeout = act.settings.close_timeout;
        // A ping goes ahead of each close frame where the heartbeat has pings.
        let answer = act
            .heartbeat
            .awaited()
            .and_then(|answer| answer.late_at(timeout));
        let written = self.blocked.map(|blocked| blocked.progress + timeout);
        if is_due(act)
            && let Some(until) = answer.max(written).filter(|until| *until > now)
        {
            act.life.postpone_close(until);
        }
    }

    /// All that has come is read, with it so many messages more than `messages`: signs of life for whoever waits.
    pub(super) fn note_life(&mut self, act: &mut Name, messages: u64, now: Instant) {
        let within = self.reader.within_frame();
        if within != self.within {
            if let (Some(before), Some(here)) = (self.within, within)
                && before.number == here.number
            {
                let bytes = before.lacks.saturating_sub(here.lacks) as u64;
                act.heartbeat
                    .awaited()
                    .into_iter()
                    .for_each(|answer| answer.inbound(bytes, now));
            }
            if within.is_some() {
                self.heard = now;
            }
            self.within = within;
        }
        if act.record.received.messages != messages && act.heartbeat.is_waiting() {
            let is_awaited = act.gate.with(|inside| inside.awaits_confirmation());
            act.heartbeat.heard(is_awaited, now);
        }
    }

    /// Whether a subscriber that asked for it keeps us from reading. Deadlines stand still meanwhile.
    pub(super) fn is_paused(
        &mut self,
        act: &mut Name,
        now: Instant,
        cx: &mut TaskContext<'_>,
    ) -> bool {
        let paused = act
            .listeners
            .are_paused(&act.commons.hub, &act.name, now, cx.waker());
        match (paused, self.paused) {
            (true, None) => self.paused = Some(now),
            (false, Some(since)) => {
                self.paused = None;
                self.heard += now.saturating_duration_since(since);
                act.heartbeat.forgive(since, now);
            }
            (true, Some(_)) | (false, None) => {}
        }
        paused
    }

    /// What did not come in time. Nothing is late while there is something to read.
    pub(in crate::connection) fn overdue(&self, act: &Name, now: Instant) -> Option<Cause> {
        if self.paused.is_some() || !self.dry {
            return None;
        }
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_over(self.write_deadline(act)) {
            // A ping that cannot go out is not answered either.
            Some(match act.heartbeat.is_waiting() || act.beat_due {
                true => Cause::PongTimeout,
                false => Cause::WriteTimeout,
            })
        } else if is_over(self.answer_deadline(act)) {
            let heard = act.heartbeat.heard_instead(&act.settings.heartbeat, now);
            Some(match heard {
                true => Cause::FenceTimeout,
                false if act.heartbeat.has_foreign_pongs() => Cause::ForeignPongs,
                false => Cause::PongTimeout,
            })
        } else if is_over(self.idle_deadline(act)) {
            Some(Cause::IdleTimeout)
        } else {
            None
        }
    }

    /// When [`overdue`](Self::overdue) must be asked, or a pause or the peer's TCP looked at again.
    pub(in crate::connection) fn deadline(&self, act: &Name) -> Option<Instant> {
        let deadline = match self.paused {
            Some(since) => Some(since.max(clock::now()) + Duration::from_millis(250)),
            None => [
                self.write_deadline(act),
                self.answer_deadline(act),
                self.look
                    .filter(|_| act.heartbeat.is_waiting())
                    .map(|look| look.next),
                self.idle_deadline(act),
            ]
            .into_iter()
            .flatten()
            .min()
            .filter(|_| matches!(act.life.state(), LifeState::Open { .. })),
        };
        let stays = self.early.as_ref().and_then(|early| early.until());
        deadline.into_iter().chain(stays).min()
    }

    /// When our bytes have waited too long for the kernel to take some.
    fn write_deadline(&self, act: &Name) -> Option<Instant> {
        let timeout = act.settings.heartbeat.timeout()?;
        self.blocked.map(|blocked| blocked.progress + timeout)
    }

    /// When the answer to a ping is overdue.
    fn answer_deadline(&self, act: &Name) -> Option<Instant> {
        act.heartbeat.deadline(&act.settings.heartbeat)
    }

    fn idle_deadline(&self, act: &Name) -> Option<Instant> {
        act.settings.idle_timeout.map(|idle| self.heard + idle)
    }
}
