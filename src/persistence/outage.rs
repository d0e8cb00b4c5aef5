//! A store that is needed and cannot be opened yet.

use std::sync::Arc;

use jiff::Timestamp;

/// Why a store that is needed is not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// What the last attempt said.
    pub text: Arc<str>,
    /// When it is tried again.
    pub retry_at: Timestamp,
}
