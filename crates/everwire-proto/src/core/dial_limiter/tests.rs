//! Tests of the whole limiter.

mod model;
mod owners;
mod properties;

use std::time::Duration;

use super::{resting::MAX_RESTING, standing::PROMPT, *};

fn limit(count: u32, per: Duration) -> Rate {
    Rate::Limited {
        count: NonZeroU32::new(count).unwrap(),
        per,
    }
}

fn host(dial_rate: Rate, max: u32) -> HostSettings {
    HostSettings {
        dial_rate,
        max_handshakes: NonZeroU32::new(max).unwrap(),
    }
}

fn limiter<const N: usize>(max: u32, rate: Rate, hosts: [(&str, HostSettings); N]) -> DialLimiter {
    let hosts = hosts.map(|(name, settings)| (name.to_owned(), settings));
    DialLimiter::new(NonZeroU32::new(max).unwrap(), rate, hosts.into())
}

const SECOND: Duration = Duration::from_secs(1);

/// This result does not count for a host.
const GONE: DialOutcome = DialOutcome::Abandoned;

impl DialLimiter {
    /// Grants all possible dials. Returns the time when the next may be granted.
    fn poll(&mut self, now: Instant) -> (Vec<DialId>, Option<Instant>) {
        let granted = std::iter::from_fn(|| self.grant(now)).collect();
        let next = self.next(now).map(|(at, id)| {
            assert!(self.is_waiting(id));
            at
        });
        (granted, next)
    }

    fn granted(&mut self, now: Instant) -> Vec<DialId> {
        self.poll(now).0
    }

    fn is_empty(&self) -> bool {
        self.host_queues.is_empty()
            && self.hosts.is_empty()
            && self.named.is_empty()
            && self.dials.is_empty()
            && self.groups.iter().all(|(_, group)| group.is_empty())
            && self.timed.is_empty()
            && self.expiring.is_empty()
            && self.resting.unlimited.count() == 0
            && self.resting.tenants.count() == 0
            && self.young.is_empty()
            && self.stock.is_empty()
    }
}

#[test]
fn a_burst_of_the_whole_rate_goes_at_once_and_then_waits_for_the_window() {
    let t = Instant::now();
    let mut limiter = limiter(64, limit(3, SECOND), []);
    let ids = [(); 5].map(|()| limiter.request("a:80", None, t));
    assert_eq!(limiter.poll(t), (ids[..3].to_vec(), Some(t + SECOND)));
    let early = limiter.granted(t + SECOND - Duration::from_nanos(1));
    assert_eq!(early, []);
    assert_eq!(limiter.poll(t + SECOND), (ids[3..].to_vec(), None));
}

#[test]
fn a_host_that_never_answers_fills_its_own_places_only() {
    let t = Instant::now();
    let mut limiter = limiter(64, Rate::Unlimited, []);
    let hole: Vec<_> = (0..1000)
        .map(|_| limiter.request("hole:443", None, t))
        .collect();
    let healthy = limiter.request("healthy:443", None, t);
    let granted = limiter.granted(t);
    assert_eq!(granted.len(), 17);
    assert_eq!(granted[1], healthy, "the healthy host has the second turn");
    assert_eq!(limiter.poll(t), (vec![], None));
    limiter.end(healthy, GONE, t);
    assert_eq!(limiter.poll(t), (vec![], None));
    limiter.end(hole[0], GONE, t);
    assert_eq!(limiter.granted(t), [hole[16]]);
}

#[test]
fn hosts_take_turns_when_places_are_scarce() {
    let t = Instant::now();
    let mut limiter = limiter(1, Rate::Unlimited, []);
    let ids = ["a:1", "a:1", "a:1", "b:1", "b:1", "c:1"].map(|host| limiter.request(host, None, t));
    let mut order = Vec::new();
    while let [id] = limiter.granted(t)[..] {
        order.push(id);
        limiter.end(id, GONE, t);
    }
    // The newest one and the longest waiting one alternate.
    assert_eq!(order, [0, 5, 3, 1, 4, 2].map(|at| ids[at]));
}

#[test]
fn a_host_without_a_port_is_one_line_for_all_its_ports() {
    let t = Instant::now();
    let two = host(Rate::Unlimited, 2);
    let mut limiter = limiter(
        64,
        Rate::Unlimited,
        [("a", two), ("b:1", two), ("[::1]", two)],
    );
    let mut granted = |host: &str| {
        for _ in 0..2 {
            limiter.request(host, None, t);
        }
        limiter.granted(t).len()
    };
    assert_eq!(granted("a:1"), 2);
    assert_eq!(granted("a:2"), 0, "the host's two places are taken");
    assert_eq!(granted("b:1"), 2);
    assert_eq!(granted("b:1"), 0);
    assert_eq!(granted("b:2"), 2, "another port, another line");
    assert_eq!(granted("[::1]:5"), 2);
    assert_eq!(granted("[::1]:6"), 0);
}

#[test]
fn a_host_with_a_rate_makes_only_itself_wait() {
    let t = Instant::now();
    let slow = host(limit(1, SECOND), 16);
    let mut limiter = limiter(64, Rate::Unlimited, [("slow", slow)]);
    let ids = ["slow:1", "slow:1", "fast:1", "fast:1"].map(|host| limiter.request(host, None, t));
    let granted = [ids[0], ids[2], ids[3]].to_vec();
    assert_eq!(limiter.poll(t), (granted, Some(t + SECOND)));
    assert_eq!(limiter.granted(t + SECOND), [ids[1]]);
}

#[test]
fn a_rate_outlives_the_dials_that_it_counted() {
    let t = Instant::now();
    let slow = host(limit(1, SECOND), 16);
    let mut limiter = limiter(64, Rate::Unlimited, [("slow", slow)]);
    let first = limiter.request("slow:1", None, t);
    assert_eq!(limiter.granted(t), [first]);
    limiter.end(first, GONE, t);
    let second = limiter.request("slow:1", None, t);
    assert_eq!(limiter.granted(t), []);
    limiter.end(second, GONE, t);
    assert_eq!(limiter.poll(t + SECOND), (vec![], None));
    assert!(limiter.is_empty());
}

#[test]
fn a_name_that_comes_and_goes_leaves_nothing_behind() {
    let t = Instant::now();
    let mut limiter = limiter(1, Rate::Unlimited, []);
    let busy = limiter.request("busy:1", None, t);
    assert_eq!(limiter.granted(t), [busy]);
    for host in 1..10_000 {
        let id = limiter.request(&format!("h{host}:1"), None, t);
        assert!(id.0 < 2, "a number is given again");
        limiter.end(id, GONE, t);
    }
    limiter.end(busy, GONE, t);
    assert!(limiter.is_empty());
    limiter.end(busy, GONE, t);
    assert!(limiter.is_empty(), "it has ended already");
}

#[test]
fn a_crowd_that_is_gone_takes_no_room() {
    let t = Instant::now();
    let mut limiter = limiter(16, Rate::Unlimited, []);
    let crowd: Vec<_> = (0..1000).map(|_| limiter.request("a:1", None, t)).collect();
    for id in crowd {
        limiter.end(id, GONE, t);
    }
    assert_eq!(limiter.dials.capacity(), 0);
}

#[test]
fn what_is_known_is_kept_of_so_many_hosts_and_a_new_dial_finds_it() {
    let t = Instant::now();
    let mut limiter = limiter(64, Rate::Unlimited, []);
    let mut dial = |host: usize| {
        let id = limiter.request(&format!("h{host}:1"), None, t);
        assert_eq!(limiter.granted(t), [id]);
        limiter.end(id, DialOutcome::Answered, t);
        (limiter.resting.unlimited.count(), limiter.host_queues.len())
    };
    for host in 0..MAX_RESTING {
        assert_eq!(dial(host), (host + 1, host + 1));
    }
    assert_eq!(dial(0), (MAX_RESTING, MAX_RESTING));
    assert_eq!(dial(MAX_RESTING), (MAX_RESTING, MAX_RESTING));
    assert!(limiter.named.contains_key("h0:1"));
    assert!(!limiter.named.contains_key("h1:1"), "the longest goes");
}

#[test]
fn a_dial_that_hangs_is_noticed_before_it_ends() {
    let t = Instant::now();
    let mut limiter = limiter(8, Rate::Unlimited, []);
    let hole: Vec<_> = (0..20)
        .map(|_| limiter.request("hole:1", None, t))
        .collect();
    assert_eq!(limiter.granted(t).len(), 7);
    limiter.end(hole[0], GONE, t);
    assert_eq!(limiter.granted(t), [hole[7]]);
    limiter.end(hole[1], GONE, t + PROMPT);
    assert_eq!(
        limiter.granted(t + PROMPT),
        [],
        "six places are left to those that may hang"
    );
    let other = limiter.request("other:1", None, t + PROMPT);
    assert_eq!(limiter.granted(t + PROMPT), [other]);
}
