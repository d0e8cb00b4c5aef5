//! Which of a name's URLs is dialled next.

/// The URLs of a name by number: failover in order, and back to the first after a stable socket.
///
/// ```
/// use everwire::core::Endpoints;
///
/// let mut endpoints = Endpoints::new(2);
/// endpoints.failed();
/// assert_eq!((endpoints.current(), endpoints.failures()), (1, &[1, 0][..]));
/// endpoints.was_stable();
/// assert_eq!(endpoints.current(), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    current: usize,
    /// Failures in a row, by URL; empty, without an allocation, where there is only one.
    failures: Box<[u32]>,
}

impl Endpoints {
    /// `count` URLs, none of which has failed.
    pub fn new(count: usize) -> Self {
        let failures = match count {
            0 | 1 => Box::default(),
            count => vec![0; count].into(),
        };
        Self {
            current: 0,
            failures,
        }
    }

    /// The number of the URL that is in use, or dialled next.
    pub fn current(&self) -> usize {
        self.current
    }

    /// How often each URL has failed in a row: dials that failed, and sockets that were lost before they were stable.
    /// Empty where there is only one URL.
    pub fn failures(&self) -> &[u32] {
        &self.failures
    }

    /// The URL in use failed: the next one's turn, after the last the first's.
    pub fn failed(&mut self) {
        if let Some(failures) = self.failures.get_mut(self.current) {
            *failures = failures.saturating_add(1);
        }
        self.current = (self.current + 1) % self.failures.len().max(1);
    }

    /// The URL in use had a stable socket that has ended: the first is preferred again.
    pub fn was_stable(&mut self) {
        if let Some(failures) = self.failures.get_mut(self.current) {
            *failures = 0;
        }
        self.current = 0;
    }

    /// A new beginning: the first URL, and nothing counted.
    pub fn reset(&mut self) {
        *self = Self::new(self.failures.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_go_round_and_are_counted_per_url() {
        let mut endpoints = Endpoints::new(3);
        let mut order = Vec::new();
        for _ in 0..7 {
            order.push(endpoints.current());
            endpoints.failed();
        }
        assert_eq!(order, [0, 1, 2, 0, 1, 2, 0]);
        assert_eq!(endpoints.failures(), [3, 2, 2]);
    }

    #[test]
    fn a_stable_socket_clears_its_own_count_and_prefers_the_first() {
        let mut endpoints = Endpoints::new(3);
        endpoints.failed();
        endpoints.failed();
        endpoints.failed();
        endpoints.failed();
        assert_eq!(endpoints.current(), 1);
        endpoints.was_stable();
        assert_eq!(
            (endpoints.current(), endpoints.failures()),
            (0, &[2, 0, 1][..])
        );
        endpoints.reset();
        assert_eq!(endpoints, Endpoints::new(3));
    }

    #[test]
    fn one_url_stays_the_one() {
        let mut endpoints = Endpoints::new(0);
        endpoints.failed();
        assert_eq!((endpoints.current(), endpoints.failures()), (0, &[][..]));
    }
}
