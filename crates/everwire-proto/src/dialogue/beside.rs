//! Messages beside and after the open script: periodic steps, callers' requests, and the close
//! script.

use super::{periodic::Periodic, requests::InFlight, running::Running, script::Script};
use crate::settings::dialogue::Dialogue;

/// Messages beside and after the open script.
#[derive(Debug)]
pub(super) struct Beside {
    pub periodic: Periodic,
    pub close_script: Script,
    pub requests: InFlight,
}

impl Beside {
    /// `None`: the dialogue has none of these.
    pub fn of(dialogue: &Dialogue) -> Option<Box<Self>> {
        let has_any = !dialogue.periodic.is_empty()
            || !dialogue.close_script.is_empty()
            || dialogue.request.is_some();
        has_any.then(|| {
            Box::new(Self {
                periodic: Periodic::new(dialogue),
                close_script: Script::default(),
                requests: InFlight::default(),
            })
        })
    }

    /// The current step. The close script begins when no periodic step runs any more.
    pub fn step(&self) -> Option<&Running> {
        self.close_script.step().or_else(|| self.periodic.step())
    }

    /// The current step, mutable.
    pub fn step_mut(&mut self) -> Option<&mut Running> {
        match self.close_script.step_mut() {
            Some(running) => Some(running),
            None => self.periodic.step_mut(),
        }
    }
}
