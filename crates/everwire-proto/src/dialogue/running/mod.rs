//! The current step.

mod answering;
mod composing;
mod hearing;

use std::time::{Duration, Instant};

pub(super) use self::{
    answering::Judged,
    hearing::{Decision, Outcome, Usage, looks_into_messages},
};
use super::{
    context::Context,
    happening::{Happening, Place, StepWritten},
    place::StepPlace,
    progress::StepState,
    reply::Reply,
    report::{self, StepText},
    signing::Signing,
};
use crate::{
    core::{Cause, later},
    language::{FilledLets, Secret},
    settings::dialogue::{Dialogue, ScriptStep},
};

/// Replaces a message that contains a secret.
pub(super) const MASKED: &str = "***";

/// The current step.
#[derive(Debug)]
pub(super) struct Running {
    /// Its place.
    pub place: StepPlace,
    pub phase: Phase,
    /// When its message was created, or when it began to listen.
    since: Instant,
    /// The number of its message.
    id: Option<u64>,
    /// The `let`s that its message used.
    filled: FilledLets,
    /// How often its `expect` was true.
    met: u32,
    /// The start of the last message that decided nothing.
    last: String,
    /// The signatures for its message so far, if they are slow.
    signing: Option<Box<Signing>>,
    /// Texts to mask in the answer to its call.
    secrets: Vec<Secret>,
}

/// The phase of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for its turn to be written: until `compose`.
    Queued,
    /// Its turn has come, and a signature for its message is being made: until `signed`.
    Signs,
    /// Its call was made: until `answered`. The caller enforces its time limit.
    Calls,
    /// Its message was created: until the kernel has it. Its answer may come before that is
    /// reported.
    Made,
    /// It checks messages: until one decides, or until this time.
    Listens { until: Instant },
    /// It is repeated at this time.
    Rests { until: Instant },
}

impl Running {
    /// A step whose turn has come: one that neither sends nor calls listens at once. One that
    /// [calls at once](ScriptStep::calls_at_once) must be composed by the caller.
    pub fn begin(place: StepPlace, step: &ScriptStep, cx: &mut Context<'_>) -> Self {
        let now = cx.here.now;
        let mut running = Self {
            place,
            phase: Phase::Queued,
            since: now,
            id: None,
            filled: FilledLets::default(),
            met: 0,
            last: String::new(),
            signing: None,
            secrets: Vec::new(),
        };
        cx.tell(|dialogue| Happening::Began {
            place: Place::of(place, dialogue),
            written: StepWritten::of(step),
        });
        match step.acts() {
            true if step.calls_at_once() => {}
            true => cx.out.push(Reply::Compose),
            false => running.listen(step, now),
        }
        running
    }

    pub fn listen(&mut self, step: &ScriptStep, now: Instant) {
        self.since = now;
        self.phase = Phase::Listens {
            until: later(now, step.within),
        };
    }

    pub fn listens(&self) -> bool {
        matches!(self.phase, Phase::Made | Phase::Listens { .. })
    }

    /// Whether its message was not created.
    pub fn is_unwritten(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Signs)
    }

    /// Nothing has decided in time.
    pub fn timed_out(&self, step: &ScriptStep, cx: &mut Context<'_>) -> Cause {
        cx.tell(|dialogue| Happening::TimedOut {
            place: Place::of(self.place, dialogue),
            within: step.within,
        });
        Cause::ScriptTimeout(report::timed_out(self.told(step), self.met, &self.last))
    }

    /// The time for the whole script is over.
    pub fn cut_off(&self, step: &ScriptStep) -> Cause {
        Cause::ScriptTimeout(report::cut_off(self.told(step), self.met, &self.last))
    }

    /// When its time is over, or when it is repeated.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Listens { until } | Phase::Rests { until } => Some(until),
            Phase::Queued | Phase::Signs | Phase::Calls | Phase::Made => None,
        }
    }

    /// Its state, for the status.
    pub fn state(&self) -> StepState {
        match self.phase {
            Phase::Queued => StepState::Queued,
            Phase::Signs => StepState::Signs,
            Phase::Calls => StepState::Calls,
            Phase::Made => StepState::Made,
            Phase::Listens { .. } => StepState::Listens,
            Phase::Rests { .. } => StepState::Rests,
        }
    }

    /// When its message was created, or when it began to wait.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Its number, and whether it captures a secret.
    pub fn asks(&self, dialogue: &Dialogue) -> (Option<u64>, bool) {
        let step = self.place.step(dialogue);
        let is_secret = self.listens() && step.is_some_and(ScriptStep::is_secret);
        (self.id, is_secret)
    }

    /// How often its `expect` was true.
    pub fn met(&self) -> u32 {
        self.met
    }

    fn told<'s>(&self, step: &'s ScriptStep) -> StepText<'s> {
        StepText {
            place: self.place,
            step,
        }
    }

    /// How long it has waited for an answer.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}
