//! Reports what an answer before a dial has decided.

use crate::{
    dialogue::{
        happening::{Verdict, captured},
        refusal::{Asked, Refusal},
        report::{self, Masked, clipped},
        response::Response,
    },
    settings::dialogue::{Preparation, PrepareStep},
};

/// Replaces an answer from which something is captured, since all of that is secret.
const MASKED: &str = "***";

/// The verdict on an answer, for the report.
pub(super) struct Decided {
    /// The start of the answer.
    pub text: String,
    pub key: &'static str,
    pub expression: String,
    pub verdict: Verdict,
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

    /// The step does not pass.
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
