//! A store that is needed and cannot be opened yet.

use std::sync::Arc;

use jiff::Timestamp;

/// Why a store that is needed is not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The error of the last attempt.
    pub text: Arc<str>,
    /// The time of the next attempt.
    pub retry_at: Timestamp,
}
