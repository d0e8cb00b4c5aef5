//! Keeps the reported state of a name in step with the core.

use std::time::Instant;

use super::{ActorState, ending::Ending};
use crate::{
    connection::{State, StateReason},
    core::{Cause, Rule, State as LifeState},
};

impl ActorState {
    /// Updates when the next dial is due.
    pub(in crate::connection) fn note_retry_at(&mut self, now: Instant) {
        self.reported.retry_at = match self.life.state() {
            LifeState::Backoff { until } => {
                let wait = until.saturating_duration_since(now);
                self.wall().checked_add(wait).ok().map(Box::new)
            }
            _ => None,
        };
    }

    /// Updates the visible state, its time and its cause from the core.
    pub(in crate::connection) fn show_state(&mut self) {
        let state = match self.life.state() {
            LifeState::Idle | LifeState::Connecting if self.hold.is_on() => {
                return self.show_outage();
            }
            LifeState::Idle => State::Idle,
            LifeState::Connecting => State::Connecting,
            LifeState::Open { .. } if self.reported.ready => State::Open,
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

    /// Reports a state. The verdict on a loss comes with the states that it leads to.
    pub(in crate::connection) fn show(&mut self, state: State, verdict: Option<(&Cause, &Rule)>) {
        let at = self.wall();
        match verdict {
            Some((cause, rule)) => self.reported.judged(cause, rule, at),
            None => self.explain(state),
        }
        self.reported.enter(state, at);
    }

    /// Sets the cause of a state that did not come from a verdict.
    fn explain(&mut self, state: State) {
        match state {
            // The verdict is the cause.
            State::Backoff | State::Failed => {}
            State::Connecting if self.life.is_replacing() => self.because(StateReason::Rotation),
            State::Connecting => self.reported.keep_verdict(),
            State::Idle if self.settings.sessions_only => {
                self.because(StateReason::SessionsOnly);
            }
            State::Idle | State::Opening | State::Open => self.reported.needs_no_reason(),
            State::Closing => {
                let loss = self.life.loss().cloned();
                let reason = loss.map_or_else(|| self.farewell(), StateReason::Loss);
                self.because(reason);
            }
            // A name that was closed by hand stays so while the process shuts down.
            State::Closed if self.reported.state() == State::Closed => {}
            State::Closed => {
                self.reported.forget_loss();
                self.last.message = None;
                self.because(self.farewell());
            }
        }
    }

    fn because(&mut self, reason: StateReason) {
        let at = self.wall();
        self.reported.because(reason, None, at);
    }

    /// Why the name is closed, if not by a loss.
    fn farewell(&self) -> StateReason {
        match self.ending {
            Ending::Stays if self.life.is_replacing() => StateReason::Rotation,
            Ending::Stays if self.life.goes_idle() => StateReason::SessionsOnly,
            Ending::Stays => StateReason::ClosedByHand,
            Ending::Drains(_) => StateReason::Shutdown,
            Ending::Leaves(_) | Ending::Abandoned(_) | Ending::Gone => StateReason::Removed,
        }
    }

    /// Shows why the name is not dialled, and when that may end.
    fn show_outage(&mut self) {
        let Some(outage) = self.process.persistence.outage() else {
            return;
        };
        if !matches!(self.life.state(), LifeState::Idle) {
            self.show(State::Backoff, None);
            self.reported.retry_at = Some(Box::new(outage.retry_at));
        }
        self.because(StateReason::Store(outage.text.to_string()));
    }
}
