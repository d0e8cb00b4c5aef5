//! The answer to a client that gets no socket, and the close of a client whose socket has ended.

use actix_web::http::header::{self, HeaderValue};
use actix_web_actors::ws::{CloseCode, CloseReason};
use everwire::{
    ConnectionName,
    connection::{OpenSessionError, session::SessionEnd},
    core::Cause,
};
use serde_json::{Value as Json, json};

use super::super::inbound::reason;
use crate::service::http::problem::Problem;

/// The answer to a client that gets no socket.
pub fn problem(name: &ConnectionName, error: OpenSessionError) -> Problem {
    let detail = error.to_string();
    let soon = HeaderValue::from_static("1");
    let because = |problem: Problem, reason: &str| problem.member("reason", reason);
    match error {
        OpenSessionError::Gone => Problem::unknown(name.as_str()),
        OpenSessionError::Closed => because(Problem::conflict(detail), "closed"),
        OpenSessionError::Idle => because(Problem::conflict(detail), "idle"),
        OpenSessionError::Failed(cause) => {
            let problem = because(Problem::conflict(detail), "failed");
            match cause {
                None => problem,
                Some(cause) => {
                    let told = json!({ "kind": cause.reason.kind(), "text": cause.reason.text() });
                    problem.member("cause", told)
                }
            }
        }
        OpenSessionError::Unreachable(cause) => {
            because(Problem::unavailable(detail), "unreachable").member("cause", cause_json(&cause))
        }
        OpenSessionError::NoTurn => {
            because(Problem::unavailable(detail), "no_turn").header(header::RETRY_AFTER, soon)
        }
        OpenSessionError::Reconfigured => {
            because(Problem::unavailable(detail), "reconfigured").header(header::RETRY_AFTER, soon)
        }
        _ => Problem::unavailable(detail).header(header::RETRY_AFTER, soon),
    }
}

fn cause_json(cause: &Cause) -> Json {
    let mut json = json!({ "kind": cause.kind(), "text": cause.text() });
    if let Some(status) = cause.status() {
        json["status"] = status.into();
    }
    json
}

/// The close for a client whose session has ended.
pub fn farewell(end: &SessionEnd) -> CloseReason {
    if let SessionEnd::Lost(Cause::Closed(frame)) = end
        && let Some(code) = frame.code
    {
        return reason(code.into(), &frame.reason);
    }
    let code = match end {
        SessionEnd::ClosedByHand
        | SessionEnd::Removed
        | SessionEnd::ShutDown
        | SessionEnd::Closed => CloseCode::Away,
        _ => CloseCode::Restart,
    };
    reason(code, &end.text())
}
