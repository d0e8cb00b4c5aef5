//! Limits how often a name's actor is started again.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How many deaths within [`WINDOW`] lead to a new actor.
const RESPAWNS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);

/// The recent respawns of a name's actor.
#[derive(Debug, Default)]
pub(super) struct Budget(VecDeque<Instant>);

impl Budget {
    /// Takes one respawn; `false` if none is left.
    pub fn take(&mut self, now: Instant) -> bool {
        while self
            .0
            .front()
            .is_some_and(|&past| now.saturating_duration_since(past) >= WINDOW)
        {
            self.0.pop_front();
        }
        if self.0.len() >= RESPAWNS {
            return false;
        }
        self.0.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_comes_back_with_time() {
        let (mut budget, now) = (Budget::default(), Instant::now());
        assert!((0..RESPAWNS).all(|_| budget.take(now)));
        assert!(!budget.take(now + WINDOW / 2));
        assert!(budget.take(now + WINDOW));
    }
}
