//! The status of callers' requests.

use serde::Serialize;

/// The requests of callers that have no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestsStatus {
    /// How many wait to be written: for a socket, for the rate, or because too many answers are
    /// awaited.
    pub waiting: usize,
    /// How many were written, and await an answer.
    pub in_flight: usize,
}
