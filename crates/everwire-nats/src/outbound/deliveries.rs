//! Whether all that the consumer has delivered has come.
//!
//! A delivery can be lost while the connection stays: servers of a cluster pass it on to each
//! other. The server would deliver it again after a day, and out of order.

/// Numbers of deliveries: a consumer counts them from one.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// The last one that has come.
    come: u64,
    /// What had come when the consumer was asked for more.
    asked: u64,
    /// The last one that the consumer had made when it was asked for its state.
    made: u64,
}

impl Deliveries {
    /// One has come. Whether another one before it has not.
    pub fn came(&mut self, number: u64) -> bool {
        let is_missed = number > self.come + 1;
        // A server that takes over may deliver some once more.
        self.come = self.come.max(number);
        is_missed
    }

    /// The consumer is asked for more. Whether nothing has come since it was asked before.
    pub fn ask(&mut self) -> bool {
        let is_idle = self.asked == self.come;
        self.asked = self.come;
        is_idle
    }

    /// The consumer has made so many. Whether one that it had made the last time has not come yet.
    pub fn made(&mut self, number: u64) -> bool {
        let is_missed = self.made > self.come;
        self.made = number;
        is_missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_missing_shows_by_the_next_one() {
        let mut deliveries = Deliveries::default();
        assert!(!deliveries.came(1));
        assert!(!deliveries.came(2));
        // Another server has taken over, and did not know of the second.
        assert!(!deliveries.came(2));
        assert!(!deliveries.came(3));
        assert!(deliveries.came(5));
    }

    #[test]
    fn one_that_is_missing_shows_when_none_follows() {
        let mut deliveries = Deliveries::default();
        assert!(deliveries.ask());
        assert!(!deliveries.came(1));
        assert!(!deliveries.ask());
        assert!(deliveries.ask());
        assert!(!deliveries.made(1));
        // The second one may be on its way.
        assert!(!deliveries.made(2));
        assert!(deliveries.made(2));
    }

    #[test]
    fn one_that_was_on_its_way_is_not_missing() {
        let mut deliveries = Deliveries::default();
        assert!(!deliveries.made(1));
        assert!(!deliveries.came(1));
        assert!(!deliveries.made(2));
        assert!(!deliveries.came(2));
        assert!(!deliveries.made(2));
    }
}
