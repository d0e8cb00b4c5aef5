//! Errors of callers' subscriptions.

use std::sync::Arc;

use everwire_proto::dialogue::HoldRefused;

use super::ConnectionGone;
use crate::{memory::OutOfMemory, settings::InvalidSubscription};

/// Why a subscription is not taken on: nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoldError {
    /// The settings of the name do not say how to subscribe.
    #[error("the connection has no `subscribe`: write it into the settings of the connection")]
    NoSubscribe,
    /// The key is held with another item, or with other words.
    #[error(
        "the subscription {key:?} is held with another item; release it first, or choose another key"
    )]
    OtherItem {
        /// The key.
        key: Arc<str>,
    },
    /// There are as many as may be.
    #[error("there are {max} subscriptions, and `max` allows no more")]
    TooMany {
        /// The most.
        max: u32,
    },
    /// A key or an item is too long.
    #[error("the {what} has {len} bytes, at most {max} are allowed")]
    TooLong {
        /// Which of both.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The most.
        max: usize,
    },
    /// What callers hold would take more memory than there is.
    #[error(transparent)]
    NoMemory(#[from] OutOfMemory),
    /// What is wrong with it, and what would be right.
    #[error("{0}")]
    Invalid(String),
    /// Only the settings of a name hold as the file.
    #[error(
        "invalid holder `file`: only the settings of a connection hold subscriptions so; use `api` or a session"
    )]
    HeldByFile,
    /// There is no such connection, or its actor is gone.
    #[error(transparent)]
    Gone(#[from] ConnectionGone),
}

impl From<HoldRefused> for HoldError {
    fn from(refused: HoldRefused) -> Self {
        match refused {
            HoldRefused::NoSubscribe => Self::NoSubscribe,
            HoldRefused::OtherItem { key } => Self::OtherItem { key },
            HoldRefused::TooMany { max } => Self::TooMany { max },
            HoldRefused::TooLong { what, len, max } => Self::TooLong { what, len, max },
            HoldRefused::NoKey => Self::Invalid(refused.to_string()),
            _ => Self::Invalid(refused.to_string()),
        }
    }
}

impl From<InvalidSubscription> for HoldError {
    fn from(InvalidSubscription(text): InvalidSubscription) -> Self {
        Self::Invalid(text)
    }
}
