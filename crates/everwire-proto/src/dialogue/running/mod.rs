//! A step that is on its way.

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

/// What stands for a message of which something is kept secret.
pub(super) const MASKED: &str = "***";

/// A step that is on its way.
#[derive(Debug)]
pub(super) struct Running {
    /// Which step it is.
    pub place: StepPlace,
    pub phase: Phase,
    /// When its message was made, or when it began to listen.
    since: Instant,
    /// The number of its message.
    id: Option<u64>,
    /// What its message was made of.
    filled: FilledLets,
    /// How often its `expect` has held.
    met: u32,
    /// The start of the last message that decided nothing.
    last: String,
    /// What is signed of its message by now, if that takes long.
    signing: Option<Box<Signing>>,
    /// What must not be shown if the answer to its call says it.
    secrets: Vec<Secret>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It waits for its turn to be written: until `compose`.
    Queued,
    /// Its turn has come, and a signature of its message is being made: until `signed`.
    Signs,
    /// Its call is out: until `answered`. Whoever makes the call sees to its time.
    Calls,
    /// Its message is made: until the kernel has it. What answers it may be seen before that is told.
    Made,
    /// It looks at what comes: until something decides, or until this time.
    Listens { until: Instant },
    /// It comes again at this time.
    Rests { until: Instant },
}

impl Running {
    /// A step whose turn has come: one that neither sends nor calls listens at once. One that [calls at once](ScriptStep::calls_at_once)
    /// is to be composed by whoever begins it.
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

    /// Whether its message was not made.
    pub fn is_unwritten(&self) -> bool {
        matches!(self.phase, Phase::Queued | Phase::Signs)
    }

    /// Nothing has decided in its time.
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

    /// When its time is over, or when it comes again.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Listens { until } | Phase::Rests { until } => Some(until),
            Phase::Queued | Phase::Signs | Phase::Calls | Phase::Made => None,
        }
    }

    /// What it does, for the status.
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

    /// When its message was made, or when it began to wait.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Its number, and whether it keeps something secret of what decides it.
    pub fn asks(&self, dialogue: &Dialogue) -> (Option<u64>, bool) {
        let step = self.place.step(dialogue);
        let is_secret = self.listens() && step.is_some_and(ScriptStep::is_secret);
        (self.id, is_secret)
    }

    /// How often its `expect` has held.
    pub fn met(&self) -> u32 {
        self.met
    }

    fn told<'s>(&self, step: &'s ScriptStep) -> StepText<'s> {
        StepText {
            place: self.place,
            step,
        }
    }

    /// How long it waits for an answer.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}
