//! Make before break: a successor is made ready while the old socket serves. Where a server allows one socket at a time, the old one
//! ends first.

use std::time::Instant;

use super::{
    Cause, CloseBy, CloseFrame, ClosedReport, Closing, DelayKind, Effect, Happened, Incarnation,
    Lifecycle, Loss, Policy, Reconnect, Rotation, Stage, State, Then, Verdict, backoff, is_stable,
    verdict,
};
use crate::{core::later, settings::Backoff};

impl Lifecycle {
    /// The socket that serves is to be replaced. Says whether there is one, or one that is on its way to be.
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

    /// What the successor depends on has changed: it is dialled anew.
    pub fn rotate_anew(&mut self, out: &mut Vec<Effect>) -> bool {
        if let State::Open { rotation, .. } = &mut self.state {
            *rotation = Rotation::None;
        }
        self.rotate(out)
    }

    /// How many successors in a row could not be had, and when the next one is due; `None` where the last one could, or none was asked for.
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

    /// Whether a successor is of use, at whatever it is.
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

    /// Whether the successor is ready, and the old socket is read to its end.
    pub fn is_handing_over(&self) -> bool {
        !matches!(self.state, State::Open { .. }) && self.wants_successor()
    }

    /// The successor could not be had: the old socket serves on, and another attempt follows.
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
            // The peer goes: its successor is no sooner there than any other.
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

    /// What follows when the socket that serves ends by itself: its successor, if that is up.
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

    /// The successor has said what is to be said first. The old socket is closed with `frame`, and read to its end. `close_script`:
    /// whether something is to be said on the old one before that.
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

    /// The server allows one socket at a time, and all is prepared for the next one: the old socket is closed with `frame`, and another is
    /// dialled as soon as it has ended, without a wait. That is no loss, whatever becomes of the old one; if the dial fails, it is one.
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

    /// The socket that is rotated is closed; nothing where none is.
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

    /// Whether the old socket gives way to one that is dialled when it has ended, or has given way and the dial is under way.
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

    /// The old socket has ended: the next incarnation dials the one that takes its place.
    pub(super) fn dial_in_place(&mut self, stable: bool, out: &mut Vec<Effect>) {
        self.state = State::Connecting;
        self.replaces = true;
        self.end_rotated(stable, out);
    }

    /// The old socket has ended: the next incarnation takes the successor over.
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

    /// The incarnation that follows the hand-over has begun.
    pub(super) fn adopt(&mut self, since: Instant) {
        self.incarnation = Incarnation::Used;
        self.state = State::Open {
            since,
            rotation: Rotation::None,
        };
    }

    /// When a socket that serves since then must be looked at.
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
