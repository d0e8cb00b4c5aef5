//! Outgoing messages: the outbox behind its lock, the age of messages, rate limits, and callers'
//! subscriptions.

pub(super) mod age;
mod kept_captures;
pub(super) mod rate_limit;
pub(super) mod shared;
pub(super) mod wishes;
