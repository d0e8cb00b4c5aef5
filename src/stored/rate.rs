//! What a rate has allowed.

use std::time::Duration;

use jiff::Timestamp;

/// What was written of what a rate allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRate {
    /// After so long it does not count any more.
    pub per: Duration,
    /// So much may have been written besides.
    pub reserve: u32,
    /// When, and how many messages; oldest first.
    pub written: Vec<(Timestamp, u32)>,
}
