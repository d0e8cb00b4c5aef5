//! The progress of a script.

use std::time::Instant;

use super::{happening::StepWritten, place::StepPlace};
use crate::settings::dialogue::ScriptStep;

/// The progress of a script, for the status of a name.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The place of the step.
    pub place: StepPlace,
    /// The number of steps in that list.
    pub steps: usize,
    /// The step. Its message is shown [as it was
    /// written](crate::settings::dialogue::Sending::as_written).
    pub step: &'a ScriptStep,
    /// Its state.
    pub state: StepState,
    /// When it was sent, or began to wait: for its turn, for its answer, or to be repeated.
    pub since: Instant,
    /// When its time is over, or when it is repeated; `None`: it waits for its turn to be written.
    pub until: Option<Instant>,
    /// How often its `expect` was true.
    pub met: u32,
}

/// The state of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It waits for its turn to be written.
    Queued,
    /// Its turn has come, and a signature for its message is being made.
    Signs,
    /// Its call is not answered yet.
    Calls,
    /// Its message is rendered, and the kernel has not taken it.
    Made,
    /// It checks incoming messages.
    Listens,
    /// It waits to be repeated.
    Rests,
}

impl StepState {
    /// Its word in the status.
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
    /// The start of its message and expectation, as written.
    pub fn written(&self) -> StepWritten {
        StepWritten::of(self.step)
    }

    /// Its message, as written; `None`: it only listens.
    pub fn sends(&self) -> Option<String> {
        self.step.send.as_ref().map(|send| send.as_written())
    }

    /// Its expectation, as written; `None`: it has passed once it is written.
    pub fn expects(&self) -> Option<&str> {
        self.step.expect.as_ref().map(|expect| expect.as_str())
    }
}
