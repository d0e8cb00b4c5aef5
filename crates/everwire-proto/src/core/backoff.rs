//! The delay before the next dial.

use std::time::Duration;

use super::DelayKind;
use crate::settings::{Backoff, Jitter};

/// The longest delay that attempt number `attempt` (from 0) may get: `min(max, initial × factor^attempt)`.
pub fn cap(backoff: &Backoff, attempt: u32) -> Duration {
    let max = backoff.max.as_secs_f64();
    let grown = backoff.initial.as_secs_f64()
        * backoff
            .factor
            .powi(i32::try_from(attempt).unwrap_or(i32::MAX));
    if grown.is_finite() && grown < max {
        Duration::from_secs_f64(grown).max(backoff.min)
    } else {
        backoff.max.max(backoff.min)
    }
}

/// How long a failed URL is not dialled.
pub(super) fn wait(
    backoff: &Backoff,
    delay_kind: DelayKind,
    attempt: u32,
    random: u64,
) -> Duration {
    match delay_kind {
        DelayKind::AtOnce => Duration::ZERO,
        DelayKind::Usual => delay(backoff, cap(backoff, attempt), random),
        DelayKind::Slow => delay(backoff, backoff.max, random),
        DelayKind::After(after) => retry_after(backoff, after, random),
    }
}

/// A delay below `cap`, chosen by a random number: uniform in `[min, cap]`, or `cap` itself without
/// jitter.
pub fn delay(backoff: &Backoff, cap: Duration, random: u64) -> Duration {
    draw(backoff, backoff.min, cap, random)
}

/// The delay after a `Retry-After` of `after`: uniform in `[after, after + max(after ÷ 10,
/// initial)]`, so that a fleet with the same answer does not come back at once. At least `min`;
/// without jitter the longest.
pub fn retry_after(backoff: &Backoff, after: Duration, random: u64) -> Duration {
    let longest = after.saturating_add(backoff.initial.max(after / 10));
    draw(backoff, after.max(backoff.min), longest, random)
}

/// The delay before another URL whose time has come: uniform in `[0, initial]`, so that a fleet
/// that has lost one server does not come to the next one at once. Without jitter it is `initial`.
pub fn before_another_url(backoff: &Backoff, random: u64) -> Duration {
    draw(backoff, Duration::ZERO, backoff.initial, random)
}

/// Uniform in `[shortest, longest]`, or `longest` without jitter.
fn draw(backoff: &Backoff, shortest: Duration, longest: Duration, random: u64) -> Duration {
    match backoff.jitter {
        Jitter::None => longest,
        Jitter::Full => {
            let span = longest.saturating_sub(shortest).as_nanos();
            // Multiply and shift: scales `random` from 0..2^64 to 0..=span, without the bias of a
            // remainder.
            let drawn = ((span + 1).min(u128::from(u64::MAX)) * u128::from(random)) >> 64;
            shortest + Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoffs() -> impl Strategy<Value = Backoff> {
        (0u64..5_000, 0u64..5_000, 0u64..100_000, 1.0f64..10.0).prop_map(
            |(min, more, most, factor)| {
                let mut backoff = Backoff::default();
                backoff.min = Duration::from_millis(min);
                backoff.initial = backoff.min + Duration::from_millis(more);
                backoff.max = backoff.initial + Duration::from_millis(most);
                backoff.factor = factor;
                backoff
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_delay_lies_between_min_and_cap(backoff in backoffs(), attempt: u32, random: u64) {
            let cap = cap(&backoff, attempt);
            let delay = delay(&backoff, cap, random);
            prop_assert!(backoff.min <= delay && delay <= cap && cap <= backoff.max);
        }

        #[test]
        fn a_cap_never_shrinks_from_one_attempt_to_the_next(backoff in backoffs(), attempt in 0u32..1_000) {
            prop_assert!(cap(&backoff, attempt) <= cap(&backoff, attempt + 1));
        }

        #[test]
        fn a_retry_after_is_a_floor_with_a_tenth_or_initial_on_top(backoff in backoffs(), after in 0u64..4_000_000, random: u64) {
            let after = Duration::from_millis(after);
            let delay = retry_after(&backoff, after, random);
            prop_assert!(after.max(backoff.min) <= delay);
            prop_assert!(delay <= after + backoff.initial.max(after / 10));
        }

        #[test]
        fn another_url_is_dialled_within_initial(backoff in backoffs(), random: u64) {
            prop_assert!(before_another_url(&backoff, random) <= backoff.initial);
        }
    }

    #[test]
    fn the_extremes_of_the_random_number_reach_both_ends() {
        let backoff = Backoff::default();
        let cap = cap(&backoff, 3);
        assert_eq!(cap, Duration::from_secs(4));
        assert_eq!(delay(&backoff, cap, 0), backoff.min);
        assert_eq!(delay(&backoff, cap, u64::MAX), cap);
        let minute = Duration::from_secs(60);
        assert_eq!(retry_after(&backoff, minute, 0), minute);
        assert_eq!(retry_after(&backoff, minute, u64::MAX), minute * 11 / 10);
        let second = Duration::from_secs(1);
        assert_eq!(
            retry_after(&backoff, second, u64::MAX),
            second + backoff.initial
        );
        assert_eq!(before_another_url(&backoff, 0), Duration::ZERO);
        assert_eq!(before_another_url(&backoff, u64::MAX), backoff.initial);
    }
}
