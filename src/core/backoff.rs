//! How long to wait before the next dial.

use std::time::Duration;

use crate::config::{Backoff, Jitter};

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

/// A delay drawn below `cap` by a random number: uniform in `[min, cap]`, or `cap` itself without jitter.
pub fn delay(backoff: &Backoff, cap: Duration, random: u64) -> Duration {
    match backoff.jitter {
        Jitter::None => cap,
        Jitter::Full => {
            let span = cap.saturating_sub(backoff.min).as_nanos();
            // Multiply and shift: `random` scaled from 0..2^64 to 0..=span, without the bias of a remainder.
            let drawn = ((span + 1).min(u128::from(u64::MAX)) * u128::from(random)) >> 64;
            backoff.min + Duration::from_nanos(u64::try_from(drawn).unwrap_or(u64::MAX))
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
    }

    #[test]
    fn the_extremes_of_the_random_number_reach_both_ends() {
        let backoff = Backoff::default();
        let cap = cap(&backoff, 3);
        assert_eq!(cap, Duration::from_secs(4));
        assert_eq!(delay(&backoff, cap, 0), backoff.min);
        assert_eq!(delay(&backoff, cap, u64::MAX), cap);
    }
}
