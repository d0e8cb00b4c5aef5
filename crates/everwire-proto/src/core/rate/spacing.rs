//! A burst of messages back to back, and the rest evenly spaced.

/// A bucket of `burst` tokens that gets one back each `per / messages`, stored as in the generic
/// cell rate algorithm (ITU-T I.371): as the time at which the bucket is full again. Times are
/// nanoseconds.
#[derive(Debug)]
pub(super) struct Spacing {
    /// How long a token takes to come back.
    interval: u64,
    /// How long all but one of them take.
    tolerance: u64,
    /// The longest debt: messages that never wait may take tokens that are not there.
    longest: u64,
    full_at: u64,
}

impl Spacing {
    pub fn new(messages: u32, per: u64, burst: u32) -> Self {
        let mut spacing = Self {
            interval: 0,
            tolerance: 0,
            longest: 0,
            full_at: 0,
        };
        spacing.set_limits(messages, per, burst);
        spacing
    }

    /// Sets new limits. A burst beyond `messages` counts as `messages`.
    pub fn set_limits(&mut self, messages: u32, per: u64, burst: u32) {
        self.interval = per / u64::from(messages.max(1));
        self.tolerance = self.interval * u64::from(burst.min(messages).saturating_sub(1));
        self.longest = per;
    }

    /// When there is a token; this may be in the past.
    pub fn free_at(&self) -> u64 {
        self.full_at.saturating_sub(self.tolerance)
    }

    /// Takes tokens, whether they are there or not.
    pub fn count(&mut self, messages: u32, now: u64) {
        let taken = self.interval.saturating_mul(u64::from(messages));
        let full_at = self.full_at.max(now).saturating_add(taken);
        self.full_at = full_at.min(now + self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_silence_a_burst_goes_at_once_and_then_one_each_interval() {
        let mut spacing = Spacing::new(10, 1_000, 3);
        let mut now = 50_000;
        for expected in [0, 0, 0, 100, 200, 300] {
            now = now.max(spacing.free_at());
            assert_eq!(now, 50_000 + expected);
            spacing.count(1, now);
        }
        now += 250;
        let free = [(); 3].map(|()| {
            now = now.max(spacing.free_at());
            spacing.count(1, now);
            now
        });
        assert_eq!(free.map(|at| at - 50_000), [550, 550, 600]);
    }

    #[test]
    fn a_debt_is_paid_back_within_the_period() {
        let mut spacing = Spacing::new(10, 1_000, 1);
        spacing.count(4, 5_000);
        assert_eq!(spacing.free_at(), 5_400);
        spacing.count(1_000, 5_000);
        assert_eq!(spacing.free_at(), 6_000);
    }
}
