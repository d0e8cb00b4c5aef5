//! What is to go out: the outbox behind its lock, for how long messages have waited, and how fast they may go.

pub(super) mod age;
mod kept_captures;
pub(super) mod rate_limit;
pub(super) mod shared;
