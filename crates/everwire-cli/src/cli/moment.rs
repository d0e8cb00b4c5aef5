//! The clock and randomness for expressions that this program evaluates.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use everwire::language::Moment;

/// The current time, without randomness.
pub fn moment() -> Moment<'static> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment {
        wall: now.unwrap_or(Duration::ZERO),
        random: &|bytes: &mut [u8]| bytes.fill(0),
    }
}
