//! The one clock: tokio's, so that a test can stop it and let it jump.

use std::time::Instant;

/// Now, by the clock that timers go by.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
