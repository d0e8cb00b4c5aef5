//! What is done before a dial is told to whoever watches.

use std::{mem, time::Duration};

use super::Preparing;
use crate::{
    dialogue::{
        happening::{Happening, Place, StepWritten, Verdict, captured},
        refusal::{Asked, Refusal},
        report::{self, Masked, clipped},
        response::Response,
    },
    settings::dialogue::{Preparation, PrepareStep},
};

/// What stands for an answer of which something is captured: all of that is secret.
const MASKED: &str = "***";

/// What an answer has decided, as it is told.
pub(super) struct Decided {
    /// The start of the answer.
    text: String,
    key: &'static str,
    expression: String,
    verdict: Verdict,
}

impl Decided {
    /// The step passes.
    pub fn passes(
        asked: Asked<'_>,
        step: &PrepareStep,
        preparation: &Preparation,
        response: &Response,
    ) -> Self {
        let mut text = String::new();
        match step.capture.is_empty() {
            true => report::show_body(&response.body, &Masked::all([]), &mut text),
            false => text.push_str(MASKED),
        }
        let captures = captured(&step.capture, &preparation.names);
        Self {
            text,
            key: "expect",
            expression: clipped(asked.expected()),
            verdict: Verdict::Passes { captures },
        }
    }

    /// It does not.
    pub fn refuses(
        asked: Asked<'_>,
        why: &Refusal<'_>,
        response: &Response,
        secrets: &Masked,
    ) -> Self {
        let mut text = String::new();
        report::show_body(&response.body, secrets, &mut text);
        let expected = asked.expected();
        let (key, expression, verdict) = match why {
            Refusal::GivesUp(when) => ("give_up", when.as_str(), Verdict::Refuses),
            Refusal::Fails(when) => ("fail", when.as_str(), Verdict::Refuses),
            Refusal::NotExpected(_) => ("expect", expected, Verdict::Misses),
            Refusal::NotCaught(what) => {
                let capture = what.clone();
                ("expect", expected, Verdict::Lacks { capture })
            }
        };
        Self {
            text,
            key,
            expression: clipped(expression),
            verdict,
        }
    }
}

impl Preparing {
    /// Somebody watches from now on: what happens is to be taken by [`take_happened`](Self::take_happened) whenever it was told something.
    pub fn watch(&mut self) {
        self.happened.get_or_insert_default();
    }

    /// What has happened since this was asked last. What came may hold secrets that whoever makes the calls knows.
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
