//! What is to go out: the outbox behind its lock, for how long messages have waited, how fast they may go, and what callers
//! subscribe to.

pub(super) mod age;
mod kept_captures;
pub(super) mod rate_limit;
pub(super) mod shared;
pub(super) mod wishes;
