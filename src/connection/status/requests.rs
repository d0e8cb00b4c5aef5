//! What a name tells of the requests of its callers.

use serde::Serialize;

/// The requests of callers that have no answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RequestsStatus {
    /// How many wait to be written: for a socket, for the rate, or for a place among those that await an answer.
    pub waiting: usize,
    /// How many were written, and await an answer.
    pub in_flight: usize,
}
