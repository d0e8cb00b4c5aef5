//! Why an answer before a dial does not let its step pass.

use super::{
    report::{self, Span},
    response::Response,
};
use crate::{
    language::{Expression, World},
    settings::dialogue::{PrepareCall, PrepareStep},
};

/// Why an answer does not let the step pass.
pub(super) enum Refusal<'s> {
    GivesUp(&'s Expression),
    Fails(&'s Expression),
    /// This did not hold; `None`: the status is no 2xx, or not 0.
    NotExpected(Option<&'s Expression>),
    NotCaught(String),
}

impl Refusal<'_> {
    /// What follows the call, up to the answer.
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

/// Why the answer does not let the step pass; `None`: it does, if all is there that is captured.
pub(super) fn refusal<'s>(
    step: &'s PrepareStep,
    response: &Response,
    world: &dyn World,
) -> Option<Refusal<'s>> {
    if let Some(when) = step.give_up.as_ref().filter(|when| when.holds(world)) {
        return Some(Refusal::GivesUp(when));
    }
    if let Some(when) = step.fail.as_ref().filter(|when| when.holds(world)) {
        return Some(Refusal::Fails(when));
    }
    let is_expected = match (&step.expect, &step.call) {
        (Some(expect), _) => expect.holds(world),
        (None, PrepareCall::Http(_)) => matches!(response.status, Some(200..=299)),
        (None, PrepareCall::Exec(_)) => response.status == Some(0),
    };
    (!is_expected).then_some(Refusal::NotExpected(step.expect.as_ref()))
}

/// Whether the answer is one of HTTP.
pub(super) fn is_http(step: &PrepareStep) -> bool {
    matches!(step.call, PrepareCall::Http(_))
}
