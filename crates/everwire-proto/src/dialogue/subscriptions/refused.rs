//! Why a subscription is not taken on.

use std::sync::Arc;

/// Why a subscription is not taken on: nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoldRefused {
    /// The settings do not say how to subscribe.
    #[error("the connection has no `subscribe`: write it into the settings of the connection")]
    NoSubscribe,
    /// The key is held with another item.
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
    /// There are as many different answers to expect as may be: each costs every message a look.
    #[error(
        "{max} subscriptions have answers of their own, and no more can: each costs time on every message; leave out `ack`, `fail`, `end`, `capture` and `route`"
    )]
    TooManyAnswers {
        /// The most.
        max: usize,
    },
    /// A key without text.
    #[error("invalid key: it is empty; write at least one character")]
    NoKey,
}
