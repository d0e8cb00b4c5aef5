//! Make before break: a successor is made ready while the old socket is in use. If a server allows
//! one socket at a time, the old one ends first.

use std::time::Instant;

use super::{
    Cause, CloseBy, CloseFrame, ClosedReport, Closing, DelayKind, Effect, Happened, Incarnation,
    Lifecycle, Loss, Policy, Reconnect, Rotation, Stage, State, Then, Verdict, backoff, is_stable,
    verdict,
};
use crate::{core::later, settings::Backoff};

impl Lifecycle {
    /// Replaces the current socket. `true` if there is one, or one that is about to be.
    pub fn rotate(&mut self, out: &mut Vec<Effect>) -> bool {
        let State::Open { rotation, .. } = &mut self.state else {
            return false;
        };
        let attempt = match *rotation {
            Rotation::None => 0,
            Rotation::Postponed { attempt, .. } => attempt,
            Rotation::Underway { .. } => return true,
        };
        *rotation = Rotation::Underway { attempt, up: None };
        out.push(Effect::DialSuccessor);
        true
    }

    /// Settings of the successor have changed: it is dialled again.
    pub fn rotate_anew(&mut self, out: &mut Vec<Effect>) -> bool {
        if let State::Open { rotation, .. } = &mut self.state {
            *rotation = Rotation::None;
        }
        self.rotate(out)
    }

    /// The number of successors in a row that have failed, and when the next one is due. `None` if
    /// the last one succeeded or none was requested.
    pub fn failed_successors(&self) -> Option<(u32, Option<Instant>)> {
        let State::Open { rotation, .. } = &self.state else {
            return None;
        };
        match *rotation {
            Rotation::Postponed { attempt, until } => Some((attempt, Some(until))),
            Rotation::Underway { attempt, .. } if attempt > 0 => Some((attempt, None)),
            Rotation::None | Rotation::Underway { .. } => None,
        }
    }

    /// Whether a successor is still needed.
    pub fn wants_successor(&self) -> bool {
        match &self.state {
            State::Open { rotation, .. } => matches!(rotation, Rotation::Underway { .. }),
            State::Closing(closing) => matches!(closing.then, Then::Adopt { .. }),
            State::Adopting { .. } => true,
            State::Idle
            | State::Connecting
            | State::Backoff { .. }
            | State::Closed
            | State::Failed => false,
        }
    }

    /// Whether the successor is ready, and the old socket is being read to its end.
    pub fn is_handing_over(&self) -> bool {
        !matches!(self.state, State::Open { .. }) && self.wants_successor()
    }

    /// The successor failed: the old socket stays in use, and another attempt follows.
    pub fn successor_failed(
        &mut self,
        cause: Cause,
        policy: Policy<'_>,
        now: Instant,
        random: u64,
        out: &mut Vec<Effect>,
    ) {
        let State::Open { rotation, .. } = &mut self.state else {
            return;
        };
        let Rotation::Underway { attempt, .. } = *rotation else {
            return;
        };
        let usual = Backoff::default();
        let backoff = match policy.reconnect {
            Reconnect::Backoff(backoff) => backoff,
            Reconnect::Never => &usual,
        };
        let loss = Loss {
            cause: &cause,
            close: None,
            failures: 0,
            attempt,
        };
        let delay_kind = match verdict(loss, policy.reconnect) {
            Verdict::GiveUp(_) => DelayKind::Slow,
            // The peer is restarting, so its successor is not up any sooner.
            Verdict::Retry {
                delay_kind: DelayKind::AtOnce,
                ..
            } => DelayKind::Usual,
            Verdict::Retry { delay_kind, .. } => delay_kind,
        };
        *rotation = Rotation::Postponed {
            attempt: attempt.saturating_add(1),
            until: later(now, backoff::wait(backoff, delay_kind, attempt, random)),
        };
        out.push(Effect::Emit(Happened::Error(cause)));
    }

    /// The successor's dial succeeded.
    pub fn successor_up(&mut self, now: Instant) {
        if let State::Open {
            rotation: Rotation::Underway { up, .. },
            ..
        } = &mut self.state
        {
            *up = Some(now);
        }
    }

    /// What follows if the current socket ends by itself: its successor, if that is up.
    pub(super) fn then(rotation: Rotation, cause: Cause) -> Then {
        match rotation {
            Rotation::Underway {
                up: Some(since), ..
            } => Then::Adopt { since },
            Rotation::None | Rotation::Underway { .. } | Rotation::Postponed { .. } => {
                Then::Lost(cause)
            }
        }
    }

    /// The successor has sent its opening messages. The old socket is closed with `frame`, and read
    /// to its end. `close_script`: whether the old one has a close script before that.
    pub fn successor_ready(
        &mut self,
        frame: CloseFrame,
        close_script: bool,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        let then = Then::Adopt { since: now };
        self.close_rotated(then, frame, close_script, policy, now, out);
    }

    /// The server allows one socket at a time, and everything is prepared for the next one: the old
    /// socket is closed with `frame`, and another is dialled as soon as it has ended, without a
    /// delay. This is not a loss, whatever happens to the old one; if the dial fails, it is one.
    /// `close_script`: as for [`successor_ready`](Self::successor_ready).
    pub fn give_way(
        &mut self,
        frame: CloseFrame,
        close_script: bool,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        self.close_rotated(Then::Replace, frame, close_script, policy, now, out);
    }

    /// Closes the rotated socket, if there is one.
    fn close_rotated(
        &mut self,
        then: Then,
        frame: CloseFrame,
        close_script: bool,
        policy: Policy<'_>,
        now: Instant,
        out: &mut Vec<Effect>,
    ) {
        let State::Open {
            since,
            rotation: Rotation::Underway { .. },
        } = &self.state
        else {
            return;
        };
        self.state = State::Closing(Box::new(Closing {
            then,
            stage: Stage::CloseScript,
            deadline: later(now, policy.close_timeout),
            report: ClosedReport::of(&frame, false, CloseBy::Us),
            stable: is_stable(policy, *since, now),
        }));
        match close_script {
            true => out.push(Effect::CloseScript),
            false => self.send_close(policy, now, out),
        }
    }

    /// Whether the old socket is being closed for one that is dialled afterwards, or that dial is
    /// under way.
    pub fn is_replacing(&self) -> bool {
        match &self.state {
            State::Closing(closing) => closing.then == Then::Replace,
            State::Connecting => self.replaces,
            State::Idle
            | State::Open { .. }
            | State::Adopting { .. }
            | State::Backoff { .. }
            | State::Closed
            | State::Failed => false,
        }
    }

    /// The old socket has ended: the next incarnation dials its replacement.
    pub(super) fn dial_in_place(&mut self, stable: bool, out: &mut Vec<Effect>) {
        self.state = State::Connecting;
        self.replaces = true;
        self.end_rotated(stable, out);
    }

    /// The old socket has ended: the next incarnation takes over the successor.
    pub(super) fn hand_over(
        &mut self,
        since: Instant,
        report: ClosedReport,
        stable: bool,
        out: &mut Vec<Effect>,
    ) {
        self.state = State::Adopting { since };
        out.push(Effect::Emit(Happened::Rotated { report }));
        self.end_rotated(stable, out);
    }

    fn end_rotated(&mut self, stable: bool, out: &mut Vec<Effect>) {
        if stable {
            self.attempt = 0;
            self.endpoints.was_stable();
        }
        self.end_incarnation(out);
    }

    /// The incarnation after the handover has begun.
    pub(super) fn adopt(&mut self, since: Instant) {
        self.incarnation = Incarnation::Used;
        self.state = State::Open {
            since,
            rotation: Rotation::None,
        };
    }

    /// When a socket that is in use since then must be rotated.
    pub(super) fn rotation_deadline(
        policy: Policy<'_>,
        since: Instant,
        rotation: Rotation,
    ) -> Option<Instant> {
        match rotation {
            Rotation::None => policy.rotate_after.map(|after| later(since, after)),
            Rotation::Underway { .. } => None,
            Rotation::Postponed { until, .. } => Some(until),
        }
    }
}
