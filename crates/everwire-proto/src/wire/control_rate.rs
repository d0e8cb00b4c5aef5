//! The rate of control frames.

use std::time::{Duration, Instant};

use super::Violation;

const BURST: Duration = Duration::from_secs(1);

/// A token bucket of one second's worth, stored as the time at which it will be full again. It
/// keeps filling while we have not read everything: frames that waited for a slow reader arrive
/// together, although they were not sent together.
#[derive(Debug, Default)]
pub(super) struct ControlBudget {
    full_at: Option<Instant>,
    /// When all arrived data was last read.
    read_all_at: Option<Instant>,
}

impl ControlBudget {
    /// Counts a control frame.
    pub(super) fn spend(&mut self, per_second: u32, now: Instant) -> Result<(), Violation> {
        let flood = Violation::ControlFlood { limit: per_second };
        if per_second == 0 {
            return Err(flood);
        }
        // What comes now was sent after that moment, or was in flight then.
        let from = self.read_all_at.map_or(now, |at| at.min(now));
        let start = self.full_at.map_or(from, |full_at| full_at.max(from));
        let full_at = start.checked_add(BURST / per_second).unwrap_or(start);
        if full_at.saturating_duration_since(now) > BURST {
            return Err(flood);
        }
        self.full_at = Some(full_at);
        Ok(())
    }

    /// All arrived data was read.
    pub(super) fn read_all(&mut self, now: Instant) {
        self.read_all_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_passes_at_once_and_the_next_one_does_not() {
        for rate in [1, 3, 1_000] {
            let now = Instant::now();
            let mut budget = ControlBudget::default();
            for _ in 0..rate {
                assert_eq!(budget.spend(rate, now), Ok(()));
            }
            let flood = Err(Violation::ControlFlood { limit: rate });
            assert_eq!(budget.spend(rate, now), flood);
        }
    }

    #[test]
    fn the_budget_comes_back_with_time_and_no_further_than_a_second() {
        let start = Instant::now();
        let mut budget = ControlBudget::default();
        let spent = |budget: &mut ControlBudget, now| {
            (0..1_000)
                .take_while(|_| budget.spend(10, now).is_ok())
                .count()
        };
        assert_eq!(spent(&mut budget, start), 10);
        assert_eq!(spent(&mut budget, start + Duration::from_millis(500)), 5);
        assert_eq!(spent(&mut budget, start + Duration::from_secs(3_600)), 10);
    }

    #[test]
    fn what_piled_up_while_nobody_read_is_no_flood_and_a_flood_still_is() {
        let start = Instant::now();
        let mut budget = ControlBudget::default();
        let spent = |budget: &mut ControlBudget, now| {
            (0..1_000)
                .take_while(|_| budget.spend(10, now).is_ok())
                .count()
        };
        budget.read_all(start);
        // Five seconds of a paused reader, and the second of a burst.
        assert_eq!(spent(&mut budget, start + Duration::from_secs(5)), 60);
        budget.read_all(start + Duration::from_secs(5));
        assert_eq!(spent(&mut budget, start + Duration::from_secs(5)), 0);
        assert_eq!(spent(&mut budget, start + Duration::from_secs(6)), 10);
    }

    #[test]
    fn a_clock_that_steps_back_is_no_panic() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut budget = ControlBudget::default();
        assert_eq!(budget.spend(2, start), Ok(()));
        assert!(budget.spend(2, start - Duration::from_secs(5)).is_err());
    }

    #[test]
    fn a_rate_of_zero_accepts_none() {
        assert!(ControlBudget::default().spend(0, Instant::now()).is_err());
    }
}
