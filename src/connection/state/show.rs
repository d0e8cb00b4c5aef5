//! What a name shows of itself: its state, and why it is in it.

use std::time::Instant;

use super::{Ending, Name};
use crate::{
    connection::{State, StateCause, StateReason},
    core::{Cause, Rule, State as LifeState},
    events::FailedDial,
    transport::Undialled,
};

impl Name {
    /// Keeps how far a dial came for the event that tells of its end.
    pub(in crate::connection) fn note_failed(&mut self, undialled: Undialled) -> Cause {
        self.record.failed_dial = Some(Box::new(FailedDial {
            phase: undialled.phase,
            timings: undialled.timings.into(),
        }));
        undialled.cause
    }

    /// Keeps when the next dial is due.
    pub(in crate::connection) fn note_retry_at(&mut self, now: Instant) {
        self.record.retry_at = match self.life.state() {
            LifeState::Backoff { until } => {
                let wait = until.saturating_duration_since(now);
                self.wall().checked_add(wait).ok().map(Box::new)
            }
            _ => None,
        };
    }

    /// Keeps the state that users see, since when, and why, in step with the core.
    pub(in crate::connection) fn show_state(&mut self) {
        let state = match self.life.state() {
            LifeState::Idle | LifeState::Connecting if self.hold.is_on() => {
                return self.show_outage();
            }
            LifeState::Idle => State::Idle,
            LifeState::Connecting => State::Connecting,
            LifeState::Open { .. } if self.record.ready => State::Open,
            LifeState::Open { .. } => State::Opening,
            LifeState::Closing(_) | LifeState::Adopting { .. } if self.life.is_handing_over() => {
                State::Open
            }
            LifeState::Closing(_) | LifeState::Adopting { .. } => State::Closing,
            LifeState::Backoff { .. } => State::Backoff,
            LifeState::Closed => State::Closed,
            LifeState::Failed => State::Failed,
        };
        self.show(state, None);
    }

    /// Shows a state. The verdict on a loss comes with the states that it leads to.
    pub(in crate::connection) fn show(&mut self, state: State, verdict: Option<(&Cause, &Rule)>) {
        self.explain(state, verdict);
        if state != self.record.shown {
            self.record.shown = state;
            self.record.since = self.wall();
        }
        if state != State::Backoff {
            self.record.retry_at = None;
        }
        if !matches!(state, State::Open | State::Closing) {
            self.record.ready = false;
        }
    }

    /// Keeps the reason of the state that is shown from now on. It is set nowhere else, so that all faces tell the same.
    fn explain(&mut self, state: State, verdict: Option<(&Cause, &Rule)>) {
        if let Some((cause, rule)) = verdict {
            self.record.lost = true;
            self.because(StateReason::Loss(cause.clone()), Some(rule.clone()));
            return;
        }
        match state {
            // The verdict has led here.
            State::Backoff | State::Failed => {}
            // A dial follows the loss that was judged last; a close by hand is over.
            State::Connecting => {
                let cause = &mut self.record.cause;
                *cause = cause.take().filter(|cause| cause.rule.is_some());
            }
            State::Idle if self.settings.sessions_only => {
                self.because(StateReason::SessionsOnly, None);
            }
            State::Idle | State::Opening | State::Open => self.record.cause = None,
            State::Closing => {
                let loss = self.life.loss().cloned();
                let reason = loss.map_or_else(|| self.farewell(), StateReason::Loss);
                self.because(reason, None);
            }
            // A name that was closed by hand stays so while the process shuts down.
            State::Closed if self.record.shown == State::Closed => {}
            State::Closed => {
                self.record.lost = false;
                self.record.last_message = None;
                self.because(self.farewell(), None);
            }
        }
    }

    /// Keeps a reason, unless it is that which is kept.
    pub(in crate::connection) fn because(&mut self, reason: StateReason, rule: Option<Rule>) {
        let known = self.record.cause.as_deref();
        if rule.is_some() || known.is_none_or(|known| known.reason != reason) {
            let at = self.wall();
            let cause = StateCause { reason, rule, at };
            self.record.cause = Some(Box::new(cause));
        }
    }

    /// Why the name is closed other than by a loss.
    fn farewell(&self) -> StateReason {
        match self.ending {
            Ending::Stays if self.life.goes_idle() => StateReason::SessionsOnly,
            Ending::Stays => StateReason::ClosedByHand,
            Ending::Drains(_) => StateReason::Shutdown,
            Ending::Leaves(_) | Ending::Gone => StateReason::Removed,
        }
    }

    /// A dial begins: counts it if it follows a loss, and says of which kind that was.
    pub(in crate::connection) fn count_reconnect(&mut self) -> Option<&'static str> {
        if !std::mem::take(&mut self.record.lost) {
            return None;
        }
        self.record.reconnects += 1;
        let cause = self.record.cause.as_deref();
        cause.map(|cause| cause.reason.kind())
    }

    /// Shows why the name is not dialled, and when that may end.
    fn show_outage(&mut self) {
        let Some(outage) = self.commons.keeper.outage() else {
            return;
        };
        if !matches!(self.life.state(), LifeState::Idle) {
            self.show(State::Backoff, None);
            self.record.retry_at = Some(Box::new(outage.retry_at));
        }
        self.because(StateReason::Store(outage.text.to_string()), None);
    }
}
