//! Where a script stands.

use std::time::Instant;

use super::{happening::StepWritten, place::StepPlace};
use crate::settings::dialogue::ScriptStep;

/// Where a script stands: for the status of a name.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Where the step stands.
    pub place: StepPlace,
    /// How many steps that list has.
    pub steps: usize,
    /// The step. What it sends is shown [as it was written](crate::settings::dialogue::Sending::as_written).
    pub step: &'a ScriptStep,
    /// What it does.
    pub state: StepState,
    /// When it was sent, or began to wait: for its turn to be written, for what it expects, or to come again.
    pub since: Instant,
    /// When its time is over, or when it comes again; `None`: it waits for its turn to be written.
    pub until: Option<Instant>,
    /// How often its `expect` has held.
    pub met: u32,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Its turn to be written has not come.
    Queued,
    /// Its turn has come, and a signature of its message is being made.
    Signs,
    /// What it calls has not answered.
    Calls,
    /// Its message is made, and the kernel has not taken it.
    Made,
    /// It looks at what comes.
    Listens,
    /// It was asked to come again later.
    Rests,
}

impl StepState {
    /// The word that the status has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Signs => "signs",
            Self::Calls => "calls",
            Self::Made => "made",
            Self::Listens => "listens",
            Self::Rests => "rests",
        }
    }
}

impl Progress<'_> {
    /// What it sends and expects as it was written, the start of it.
    pub fn written(&self) -> StepWritten {
        StepWritten::of(self.step)
    }

    /// What it sends, as it was written; `None`: it only listens.
    pub fn sends(&self) -> Option<String> {
        self.step.send.as_ref().map(|send| send.as_written())
    }

    /// What it expects, as it was written; `None`: it has passed once it is written.
    pub fn expects(&self) -> Option<&str> {
        self.step.expect.as_ref().map(|expect| expect.as_str())
    }
}
