//! Reports the preparation of a dial to a watcher.

use std::{mem, time::Duration};

use super::{Preparing, decided::Decided};
use crate::{
    dialogue::{
        happening::{Happening, Place, StepWritten},
        report::clipped,
        response::Response,
    },
    settings::dialogue::PrepareStep,
};

impl Preparing {
    /// Adds a watcher: call [`take_happened`](Self::take_happened) after each other call.
    pub fn watch(&mut self) {
        self.happened.get_or_insert_default();
    }

    /// The happenings since the last call. Answers may contain secrets that only the caller knows.
    pub fn take_happened(&mut self) -> Vec<Happening> {
        self.happened.as_mut().map(mem::take).unwrap_or_default()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.happened.is_some()
    }

    fn tell(&mut self, happening: impl FnOnce(Place) -> Happening) {
        let place = Place {
            script: Place::PREPARE,
            number: self.at + 1,
            steps: self.preparation.steps.len(),
        };
        if let Some(happened) = &mut self.happened {
            happened.push(happening(place));
        }
    }

    pub(super) fn tell_left_out(&mut self, step: &PrepareStep) {
        let condition = step.condition.as_ref();
        self.tell(|place| Happening::LeftOut {
            place,
            condition: clipped(condition.map_or("", |condition| condition.as_str())),
        });
    }

    pub(super) fn tell_called(&mut self, step: &PrepareStep, call: &str) {
        self.tell(|place| Happening::Began {
            place,
            written: StepWritten::before_dial(step),
        });
        self.tell(|place| Happening::Called {
            place,
            call: call.to_owned(),
        });
    }

    pub(super) fn tell_answer(
        &mut self,
        response: &Response,
        decided: Option<Decided>,
        after: Duration,
    ) {
        let Some(decided) = decided else {
            return;
        };
        self.tell(|place| Happening::Answered {
            place,
            status: response.status,
            text: decided.text,
            bytes: response.body.len(),
            after,
        });
        self.tell(|place| Happening::Decided {
            place,
            key: decided.key,
            expression: decided.expression,
            after,
            verdict: decided.verdict,
        });
    }

    pub(super) fn tell_no_answer(&mut self, why: &str, after: Duration) {
        self.tell(|place| Happening::Unanswered {
            place,
            text: why.to_owned(),
            after,
        });
    }

    pub(super) fn tell_passed(&mut self) {
        self.tell(|place| Happening::Passed {
            script: place.script,
            steps: place.steps,
        });
    }
}
