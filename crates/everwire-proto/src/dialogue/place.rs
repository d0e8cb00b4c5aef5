//! The place of a step.

use std::fmt;

use crate::settings::dialogue::{Dialogue, ScriptStep};

/// A list of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepList {
    /// `open_script`: steps that must pass before the name is ready.
    OpenScript,
    /// `periodic`: steps that are repeated while it is ready.
    Periodic,
    /// `close_script`: steps before our close frame.
    CloseScript,
}

/// The place of a step. `Display` is for an operator, counted from 1: `step 2 of open_script`,
/// `periodic[1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepPlace {
    /// The list.
    pub list: StepList,
    /// The index of the step, from 0.
    pub at: usize,
}

impl StepPlace {
    /// The step at this place.
    pub fn step(self, dialogue: &Dialogue) -> Option<&ScriptStep> {
        match self.list {
            StepList::OpenScript => dialogue.open_script.get(self.at),
            StepList::Periodic => Some(&dialogue.periodic.get(self.at)?.step),
            StepList::CloseScript => dialogue.close_script.get(self.at),
        }
    }
}

impl StepList {
    /// How many steps it has.
    pub fn len(self, dialogue: &Dialogue) -> usize {
        match self {
            Self::OpenScript => dialogue.open_script.len(),
            Self::Periodic => dialogue.periodic.len(),
            Self::CloseScript => dialogue.close_script.len(),
        }
    }

    /// The key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenScript => "open_script",
            Self::Periodic => "periodic",
            Self::CloseScript => "close_script",
        }
    }
}

impl fmt::Display for StepPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, number) = (self.list.as_str(), self.at + 1);
        match self.list {
            StepList::OpenScript | StepList::CloseScript => write!(f, "step {number} of {key}"),
            StepList::Periodic => write!(f, "{key}[{number}]"),
        }
    }
}
