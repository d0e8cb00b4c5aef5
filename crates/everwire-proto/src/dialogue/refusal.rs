//! Why the answer to a call does not let its step pass.

use super::{
    report::{self, Span},
    response::Response,
};
use crate::{
    language::{Expression, World},
    settings::dialogue::{PrepareStep, ScriptStep, StepCall},
};

/// A call, and the conditions on its answer.
#[derive(Clone, Copy)]
pub(super) struct Asked<'s> {
    pub call: &'s StepCall,
    pub expect: Option<&'s Expression>,
    fail: Option<&'s Expression>,
    give_up: Option<&'s Expression>,
}

/// Why an answer does not let the step pass.
#[derive(Debug)]
pub(super) enum Refusal<'s> {
    GivesUp(&'s Expression),
    Fails(&'s Expression),
    /// This was false; `None`: the status is not 2xx, or not 0.
    NotExpected(Option<&'s Expression>),
    NotCaught(String),
}

impl Refusal<'_> {
    /// The text after the call, up to the answer.
    pub fn text(&self, response: &Response, after: Span) -> String {
        let answered = match response.status {
            Some(status) => format!(" answered {status} after {after}"),
            None => format!(" was ended by a signal after {after}"),
        };
        let why = match self {
            Self::GivesUp(when) => {
                format!("give_up ({}) held for ", report::clipped(when.as_str()))
            }
            Self::Fails(when) => format!("fail ({}) held for ", report::clipped(when.as_str())),
            Self::NotExpected(Some(expect)) => {
                format!(
                    "expect ({}) did not hold for ",
                    report::clipped(expect.as_str())
                )
            }
            Self::NotExpected(None) => String::new(),
            Self::NotCaught(what) => format!("{what} in "),
        };
        match why.is_empty() {
            true => format!("{answered}: "),
            false => format!("{answered}; {why}"),
        }
    }
}

impl<'s> Asked<'s> {
    /// For this step of a script, with this call.
    pub fn by(step: &'s ScriptStep, call: &'s StepCall) -> Self {
        Self {
            call,
            expect: step.expect.as_ref(),
            fail: step.fail.as_ref(),
            give_up: step.give_up.as_ref(),
        }
    }

    /// The expectation, as written or in words.
    pub fn expected(self) -> &'s str {
        match (self.expect, self.call) {
            (Some(expect), _) => expect.as_str(),
            (None, StepCall::Http(_)) => "status 2xx",
            (None, StepCall::Exec(_)) => "exit code 0",
        }
    }

    /// Whether it is an HTTP call.
    pub fn is_http(self) -> bool {
        matches!(self.call, StepCall::Http(_))
    }
}

impl<'s> From<&'s PrepareStep> for Asked<'s> {
    fn from(step: &'s PrepareStep) -> Self {
        Self {
            call: &step.call,
            expect: step.expect.as_ref(),
            fail: step.fail.as_ref(),
            give_up: step.give_up.as_ref(),
        }
    }
}

/// Why the answer does not let the step pass; `None`: it does, if all captures are present.
pub(super) fn refusal<'s>(
    asked: Asked<'s>,
    response: &Response,
    world: &dyn World,
) -> Option<Refusal<'s>> {
    if let Some(when) = asked.give_up.filter(|when| when.holds(world)) {
        return Some(Refusal::GivesUp(when));
    }
    if let Some(when) = asked.fail.filter(|when| when.holds(world)) {
        return Some(Refusal::Fails(when));
    }
    let is_expected = match (asked.expect, asked.call) {
        (Some(expect), _) => expect.holds(world),
        (None, StepCall::Http(_)) => matches!(response.status, Some(200..=299)),
        (None, StepCall::Exec(_)) => response.status == Some(0),
    };
    (!is_expected).then_some(Refusal::NotExpected(asked.expect))
}
