//! When a socket is late, and when it is not to be blamed: while this thread stood still, while nobody may read it, and
//! while our own bytes wait for the kernel.

use std::{
    task::Context as TaskContext,
    time::{Duration, Instant},
};

use super::Socket;
use crate::{
    clock,
    connection::{Name, pulse},
    core::{Cause, State as LifeState},
};

/// Bytes that the kernel does not take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    since: Instant,
    /// When it took some last, and how many it had taken then.
    progress: Instant,
    accepted: u64,
}

impl Socket {
    /// While this thread stood still, nobody was late.
    pub(super) fn forgive_stalls(&mut self, act: &mut Name, now: Instant) {
        let stalled = pulse::stalled(now);
        let more = stalled.saturating_sub(self.stalled);
        if !more.is_zero() {
            self.stalled = stalled;
            self.heard += more;
            act.heartbeat
                .forgive(now.checked_sub(more).unwrap_or(now), now);
        }
    }

    /// The time of an unanswered ping stands still while bytes of ours wait for the kernel.
    pub(super) fn watch_writer(&mut self, act: &mut Name, now: Instant) {
        let accepted = self.writer.accepted();
        match (self.writer.is_blocked(), &mut self.blocked) {
            (true, Some(blocked)) => {
                if accepted > blocked.accepted {
                    (blocked.accepted, blocked.progress) = (accepted, now);
                }
            }
            (true, none) => {
                *none = Some(Blocked {
                    since: now,
                    progress: now,
                    accepted,
                });
            }
            (false, blocked) => {
                if let Some(blocked) = blocked.take() {
                    act.heartbeat.forgive(blocked.since, now);
                }
            }
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
        if is_over(self.answer_deadline(act)) {
            Some(match act.heartbeat.is_waiting() {
                true => Cause::PongTimeout,
                false => Cause::WriteTimeout,
            })
        } else if is_over(self.idle_deadline(act)) {
            Some(Cause::IdleTimeout)
        } else {
            None
        }
    }

    /// When [`overdue`](Self::overdue) must be asked, or a pause looked at again.
    pub(in crate::connection) fn deadline(&self, act: &Name) -> Option<Instant> {
        match self.paused {
            Some(since) => Some(since.max(clock::now()) + Duration::from_millis(250)),
            None => [self.answer_deadline(act), self.idle_deadline(act)]
                .into_iter()
                .flatten()
                .min()
                .filter(|_| matches!(act.life.state(), LifeState::Open { .. })),
        }
    }

    /// When an answer is overdue. While our own bytes wait for the kernel: when it has taken none for that long.
    fn answer_deadline(&self, act: &Name) -> Option<Instant> {
        let settings = &act.settings.heartbeat;
        match (&self.blocked, settings.timeout()) {
            (Some(blocked), Some(timeout)) => Some(blocked.progress + timeout),
            _ => act.heartbeat.deadline(settings),
        }
    }

    fn idle_deadline(&self, act: &Name) -> Option<Instant> {
        act.settings.idle_timeout.map(|idle| self.heard + idle)
    }
}
