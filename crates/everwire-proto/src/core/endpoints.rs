//! Chooses which of a name's URLs is dialled next, and when.

use std::time::{Duration, Instant};

use super::later;

/// The URLs of a name by number, in the order of preference. What a server says or does affects
/// only its own URL.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use everwire_proto::core::Endpoints;
///
/// let (now, second) = (Instant::now(), Duration::from_secs(1));
/// let mut endpoints = Endpoints::new(2);
/// endpoints.failed();
/// // The first one asked for a minute: the second one is dialled meanwhile.
/// let next = endpoints.choose(60 * second, second, false, now);
/// assert_eq!((endpoints.current(), next.delay, next.is_another), (1, second, true));
/// // That one is lost after it was stable, when the minute is over: the first one is preferred again.
/// endpoints.was_stable();
/// endpoints.choose(second, second, true, now + 100 * second);
/// assert_eq!(endpoints.current(), 0);
/// assert!(endpoints.failures().eq([1, 0]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    current: u32,
    /// Failures in a row, if there is only one URL.
    failures: u32,
    /// Empty, without an allocation, if there is only one.
    several: Box<[Endpoint]>,
}

/// One of several URLs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Endpoint {
    /// Failures in a row: failed dials, and sockets that were lost before they were stable.
    failures: u32,
    /// Retries since its last stable socket: the exponent of its backoff.
    attempt: u32,
    /// The earliest next dial, except by hand.
    not_before: Option<Instant>,
    /// Whether other URLs whose time has come go first.
    had_its_turn: bool,
}

/// The choice of [`Endpoints::choose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextDial {
    /// The time until the dial.
    pub delay: Duration,
    /// Whether it is another URL than the last one.
    pub is_another: bool,
}

impl Endpoints {
    /// `count` URLs without failures.
    pub fn new(count: usize) -> Self {
        let several = match count {
            0 | 1 => Box::default(),
            count => vec![Endpoint::default(); count].into(),
        };
        Self {
            current: 0,
            failures: 0,
            several,
        }
    }

    /// The number of the URL that is in use, or dialled next.
    pub fn current(&self) -> usize {
        self.current as usize
    }

    /// The failures in a row of each URL: failed dials, and sockets that were lost before they were
    /// stable. Empty if there is only one URL.
    pub fn failures(&self) -> impl ExactSizeIterator<Item = u32> {
        self.several.iter().map(|endpoint| endpoint.failures)
    }

    /// How often all of them have failed in a row: the failures of the URL with the fewest.
    pub fn rounds(&self) -> u32 {
        self.failures().min().unwrap_or(self.failures)
    }

    /// The retries of the URL in use since its last stable socket. For a single URL they are those
    /// of the name.
    pub(super) fn attempt(&self, of_the_name: u32) -> u32 {
        let endpoint = self.several.get(self.current());
        endpoint.map_or(of_the_name, |endpoint| endpoint.attempt)
    }

    /// The URL in use has a socket, so its `Retry-After` is over.
    pub fn opened(&mut self) {
        if let Some(endpoint) = self.in_use() {
            endpoint.not_before = None;
        }
    }

    /// The URL in use failed.
    pub fn failed(&mut self) {
        let failures = match self.several.get_mut(self.current as usize) {
            Some(endpoint) => &mut endpoint.failures,
            None => &mut self.failures,
        };
        *failures = failures.saturating_add(1);
    }

    /// The URL in use had a stable socket that has ended. The counts of the others stay, and the
    /// next choice begins with the first URL.
    pub fn was_stable(&mut self) {
        self.failures = 0;
        if let Some(endpoint) = self.in_use() {
            (endpoint.failures, endpoint.attempt) = (0, 0);
        }
        self.begin_round();
    }

    /// Chooses the next URL: the first in order whose time has come, else the one whose time comes
    /// first. No URL gets a second turn while another one whose time has come waits for its first.
    ///
    /// The URL in use is not dialled before `own` has passed. With `keeps_its_turn` it still counts
    /// as one whose time has come: it was stable, or wants to be dialled again at once. `another`
    /// is the delay before another URL whose time has come.
    pub fn choose(
        &mut self,
        own: Duration,
        another: Duration,
        keeps_its_turn: bool,
        now: Instant,
    ) -> NextDial {
        let current = self.current();
        if let Some(endpoint) = self.in_use() {
            endpoint.attempt = endpoint.attempt.saturating_add(1);
            endpoint.not_before = Some(later(now, own));
            endpoint.had_its_turn = !keeps_its_turn;
        }
        let chosen = self.next(keeps_its_turn, now);
        self.current = chosen as u32;
        let waits = self.several.get(chosen).and_then(|it| it.not_before);
        let delay = match waits.filter(|until| *until > now) {
            _ if chosen == current => own,
            Some(until) => until.saturating_duration_since(now),
            None => another,
        };
        NextDial {
            delay,
            is_another: chosen != current,
        }
    }

    /// Starts again with the first URL, and nothing counted.
    pub fn reset(&mut self) {
        *self = Self::new(self.several.len());
    }

    fn next(&mut self, keeps_its_turn: bool, now: Instant) -> usize {
        let current = self.current();
        let may_go = |(number, endpoint): &(usize, &Endpoint)| {
            let has_come = endpoint.not_before.is_none_or(|until| until <= now);
            has_come || (keeps_its_turn && *number == current)
        };
        let mut ready = self.several.iter().enumerate().filter(may_go);
        let Some((first, _)) = ready.clone().next() else {
            let times = self.several.iter().map(|endpoint| endpoint.not_before);
            let earliest = times.enumerate().min_by_key(|(_, until)| *until);
            return earliest.map_or(0, |(number, _)| number);
        };
        if let Some((number, _)) = ready.find(|(_, endpoint)| !endpoint.had_its_turn) {
            return number;
        }
        self.begin_round();
        first
    }

    fn begin_round(&mut self) {
        for endpoint in &mut self.several {
            endpoint.had_its_turn = false;
        }
    }

    fn in_use(&mut self) -> Option<&mut Endpoint> {
        self.several.get_mut(self.current as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The URL in use fails, and is held for `own`; returns the next one.
    fn fail(endpoints: &mut Endpoints, own: Duration, now: Instant) -> usize {
        endpoints.failed();
        endpoints.choose(own, Duration::ZERO, false, now);
        endpoints.current()
    }

    #[test]
    fn failures_go_round_in_order_and_are_counted_per_url() {
        let mut endpoints = Endpoints::new(3);
        let mut now = Instant::now();
        let mut order = vec![endpoints.current()];
        for _ in 0..6 {
            // By the time that one fails, all have waited long enough.
            now += 10 * SECOND;
            order.push(fail(&mut endpoints, SECOND, now));
        }
        assert_eq!(order, [0, 1, 2, 0, 1, 2, 0]);
        assert!(endpoints.failures().eq([2, 2, 2]));
        assert_eq!(endpoints.rounds(), 2);
    }

    #[test]
    fn one_that_is_held_is_passed_over_until_its_time_has_come() {
        let mut endpoints = Endpoints::new(3);
        let now = Instant::now();
        assert_eq!(fail(&mut endpoints, 60 * SECOND, now), 1);
        let mut order = Vec::new();
        for passed in [1, 10, 20, 30, 70, 71] {
            order.push(fail(&mut endpoints, SECOND, now + passed * SECOND));
        }
        assert_eq!(order, [2, 1, 2, 1, 0, 2]);
    }

    #[test]
    fn when_all_are_held_the_one_whose_time_comes_first_is_next() {
        let mut endpoints = Endpoints::new(3);
        let now = Instant::now();
        fail(&mut endpoints, 9 * SECOND, now);
        fail(&mut endpoints, 3 * SECOND, now);
        endpoints.failed();
        let next = endpoints.choose(6 * SECOND, Duration::ZERO, false, now + SECOND);
        assert_eq!(
            (endpoints.current(), next.delay, next.is_another),
            (1, 2 * SECOND, true)
        );
    }

    #[test]
    fn a_stable_socket_clears_its_own_count_and_prefers_the_first_whose_time_has_come() {
        let mut endpoints = Endpoints::new(3);
        let now = Instant::now();
        fail(&mut endpoints, 60 * SECOND, now);
        fail(&mut endpoints, SECOND, now);
        assert_eq!(endpoints.current(), 2);
        endpoints.opened();
        for (passed, url, delay) in [
            (30, 1, Duration::ZERO),
            (30, 1, SECOND),
            (61, 0, Duration::ZERO),
        ] {
            endpoints.was_stable();
            let next = endpoints.choose(SECOND, Duration::ZERO, true, now + passed * SECOND);
            assert_eq!((endpoints.current(), next.delay), (url, delay), "{passed}");
            endpoints.opened();
        }
        assert!(endpoints.failures().eq([1, 0, 0]));
        endpoints.reset();
        assert_eq!(endpoints, Endpoints::new(3));
    }

    #[test]
    fn one_url_stays_the_one_and_takes_no_memory_of_its_own() {
        let mut endpoints = Endpoints::new(0);
        let now = Instant::now();
        endpoints.failed();
        let next = endpoints.choose(SECOND, Duration::ZERO, false, now);
        assert_eq!((next.delay, next.is_another), (SECOND, false));
        assert_eq!((endpoints.current(), endpoints.rounds()), (0, 1));
        assert_eq!(endpoints.failures().len(), 0);
        assert_eq!(endpoints.attempt(7), 7);
        assert!(size_of::<Endpoints>() <= 24, "{}", size_of::<Endpoints>());
        endpoints.was_stable();
        assert_eq!(endpoints.rounds(), 0);
    }
}
