//! Sums of times that cannot overflow.

use std::time::{Duration, Instant};

/// A year: no longer time is ever needed.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// `from` plus `by`, at most a year later, so that a duration that means "never" needs no special
/// case.
pub fn later(from: Instant, by: Duration) -> Instant {
    from + by.min(FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_without_end_is_a_year() {
        let now = Instant::now();
        assert_eq!(later(now, Duration::MAX), now + FAR);
        assert_eq!(
            later(now, Duration::from_secs(1)),
            now + Duration::from_secs(1)
        );
    }
}
