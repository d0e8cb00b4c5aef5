//! The stored state of a rate limit.

use std::time::Duration;

use jiff::Timestamp;

/// What was written under a rate limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRate {
    /// The period: older writes no longer count.
    pub per: Duration,
    /// Up to this number of further messages may have been written.
    pub reserve: u32,
    /// When and how many messages were written, oldest first.
    pub written: Vec<(Timestamp, u32)>,
}
