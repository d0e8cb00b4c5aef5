//! The governor as a whole.

mod model;

use std::time::Duration;

use proptest::prelude::*;

use super::*;

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

fn governor<const N: usize>(max: u32, rate: Rate, hosts: [(&str, HostSettings); N]) -> Governor {
    let hosts = hosts.map(|(name, settings)| (name.to_owned(), settings));
    Governor::new(NonZeroU32::new(max).unwrap(), rate, hosts.into())
}

const SECOND: Duration = Duration::from_secs(1);

/// Says nothing of a host.
const GONE: DialOutcome = DialOutcome::Abandoned;

impl Governor {
    /// Grants all that can be granted; when time admits the next.
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
        self.lanes.is_empty()
            && self.hosts.is_empty()
            && self.dials.is_empty()
            && self.ready.is_empty()
            && self.timed.is_empty()
            && self.fading.is_empty()
            && self.resting.is_empty()
            && self.young.is_empty()
            && self.places.is_empty()
    }
}

#[test]
fn a_burst_of_the_whole_rate_goes_at_once_and_then_waits_for_the_window() {
    let t = Instant::now();
    let mut governor = governor(64, limit(3, SECOND), []);
    let ids = [(); 5].map(|()| governor.request("a:80", t));
    assert_eq!(governor.poll(t), (ids[..3].to_vec(), Some(t + SECOND)));
    let early = governor.granted(t + SECOND - Duration::from_nanos(1));
    assert_eq!(early, []);
    assert_eq!(governor.poll(t + SECOND), (ids[3..].to_vec(), None));
}

#[test]
fn a_host_that_never_answers_fills_its_own_places_only() {
    let t = Instant::now();
    let mut governor = governor(64, Rate::Unlimited, []);
    let hole: Vec<_> = (0..1000).map(|_| governor.request("hole:443", t)).collect();
    let healthy = governor.request("healthy:443", t);
    let granted = governor.granted(t);
    assert_eq!(granted.len(), 17);
    assert_eq!(granted[1], healthy, "the healthy host has the second turn");
    assert_eq!(governor.poll(t), (vec![], None));
    governor.end(healthy, GONE, t);
    assert_eq!(governor.poll(t), (vec![], None));
    governor.end(hole[0], GONE, t);
    assert_eq!(governor.granted(t), [hole[16]]);
}

#[test]
fn hosts_take_turns_when_places_are_scarce() {
    let t = Instant::now();
    let mut governor = governor(1, Rate::Unlimited, []);
    let ids = ["a:1", "a:1", "a:1", "b:1", "b:1", "c:1"].map(|host| governor.request(host, t));
    let mut order = Vec::new();
    while let [id] = governor.granted(t)[..] {
        order.push(id);
        governor.end(id, GONE, t);
    }
    // The one that came last, and the one that has waited longest, by turns.
    assert_eq!(order, [0, 5, 3, 1, 4, 2].map(|at| ids[at]));
}

#[test]
fn a_host_without_a_port_is_one_line_for_all_its_ports() {
    let t = Instant::now();
    let two = host(Rate::Unlimited, 2);
    let mut governor = governor(
        64,
        Rate::Unlimited,
        [("a", two), ("b:1", two), ("[::1]", two)],
    );
    let mut granted = |host: &str| {
        for _ in 0..2 {
            governor.request(host, t);
        }
        governor.granted(t).len()
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
    let mut governor = governor(64, Rate::Unlimited, [("slow", slow)]);
    let ids = ["slow:1", "slow:1", "fast:1", "fast:1"].map(|host| governor.request(host, t));
    let granted = [ids[0], ids[2], ids[3]].to_vec();
    assert_eq!(governor.poll(t), (granted, Some(t + SECOND)));
    assert_eq!(governor.granted(t + SECOND), [ids[1]]);
}

#[test]
fn a_rate_outlives_the_dials_that_it_counted() {
    let t = Instant::now();
    let slow = host(limit(1, SECOND), 16);
    let mut governor = governor(64, Rate::Unlimited, [("slow", slow)]);
    let first = governor.request("slow:1", t);
    assert_eq!(governor.granted(t), [first]);
    governor.end(first, GONE, t);
    let second = governor.request("slow:1", t);
    assert_eq!(governor.granted(t), []);
    governor.end(second, GONE, t);
    assert_eq!(governor.poll(t + SECOND), (vec![], None));
    assert!(governor.is_empty());
}

#[test]
fn a_name_that_comes_and_goes_leaves_nothing_behind() {
    let t = Instant::now();
    let mut governor = governor(1, Rate::Unlimited, []);
    let busy = governor.request("busy:1", t);
    assert_eq!(governor.granted(t), [busy]);
    for host in 1..10_000 {
        let id = governor.request(&format!("h{host}:1"), t);
        assert!(id.0 < 2, "a number is given again");
        governor.end(id, GONE, t);
    }
    governor.end(busy, GONE, t);
    assert!(governor.is_empty());
    governor.end(busy, GONE, t);
    assert!(governor.is_empty(), "it has ended already");
}

#[test]
fn a_crowd_that_is_gone_takes_no_room() {
    let t = Instant::now();
    let mut governor = governor(16, Rate::Unlimited, []);
    let crowd: Vec<_> = (0..1000).map(|_| governor.request("a:1", t)).collect();
    for id in crowd {
        governor.end(id, GONE, t);
    }
    assert_eq!(governor.dials.capacity(), 0);
}

#[test]
fn what_is_known_is_kept_of_so_many_hosts_and_a_new_dial_finds_it() {
    let t = Instant::now();
    let mut governor = governor(64, Rate::Unlimited, []);
    let mut dial = |host: usize| {
        let id = governor.request(&format!("h{host}:1"), t);
        assert_eq!(governor.granted(t), [id]);
        governor.end(id, DialOutcome::Answered, t);
        (governor.rested, governor.lanes.len())
    };
    for host in 0..MAX_RESTING {
        assert_eq!(dial(host), (host + 1, host + 1));
    }
    assert_eq!(dial(0), (MAX_RESTING, MAX_RESTING));
    assert_eq!(dial(MAX_RESTING), (MAX_RESTING, MAX_RESTING));
    assert!(governor.hosts.contains_key("h0:1"));
    assert!(!governor.hosts.contains_key("h1:1"), "the longest goes");
}

#[test]
fn a_dial_that_hangs_is_noticed_before_it_ends() {
    let t = Instant::now();
    let mut governor = governor(8, Rate::Unlimited, []);
    let hole: Vec<_> = (0..20).map(|_| governor.request("hole:1", t)).collect();
    assert_eq!(governor.granted(t).len(), 7);
    governor.end(hole[0], GONE, t);
    assert_eq!(governor.granted(t), [hole[7]]);
    governor.end(hole[1], GONE, t + PROMPT);
    assert_eq!(
        governor.granted(t + PROMPT),
        [],
        "six places are left to those that may hang"
    );
    let other = governor.request("other:1", t + PROMPT);
    assert_eq!(governor.granted(t + PROMPT), [other]);
}

#[derive(Clone, Debug)]
enum Step {
    Request(u8),
    GiveUp(usize),
    End(usize, DialOutcome),
    Wait(u16),
}

fn outcome() -> impl Strategy<Value = DialOutcome> {
    prop_oneof![
        Just(DialOutcome::Answered),
        Just(DialOutcome::Failed),
        Just(GONE)
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..5).prop_map(Step::Request),
        1 => any::<usize>().prop_map(Step::GiveUp),
        3 => (any::<usize>(), outcome()).prop_map(|(at, outcome)| Step::End(at, outcome)),
        3 => (0u16..900).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..200)
}

impl Governor {
    fn has_room(&self, host: u8) -> bool {
        let lane = &self.lanes[self.hosts[&*name(host)]];
        self.places.has_room(lane.record.standing())
    }
}

/// What a governor did, kept to be judged.
struct Run {
    governor: Governor,
    now: Instant,
    all: (u32, Rate),
    each: HostSettings,
    /// In the order in which they came.
    waiting: Vec<(DialId, u8)>,
    flying: Vec<(DialId, u8)>,
    log: Vec<(Instant, u8)>,
}

fn name(host: u8) -> String {
    format!("h{host}:80")
}

fn within(limits: Rate, times: &[Instant]) -> bool {
    match limits {
        Rate::Unlimited => true,
        Rate::Limited { count, per } => times
            .windows(count.get() as usize + 1)
            .all(|w| w[count.get() as usize] - w[0] >= per),
    }
}

impl Run {
    fn new(all: (u32, Rate), each: HostSettings) -> Self {
        let hosts = (0..5).map(|host| (name(host), each)).collect();
        let governor = Governor::new(NonZeroU32::new(all.0).unwrap(), all.1, hosts);
        let now = Instant::now();
        let (waiting, flying, log) = Default::default();
        Self {
            governor,
            now,
            all,
            each,
            waiting,
            flying,
            log,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Request(host) => drop(self.request(host)),
            Step::GiveUp(at) if !self.waiting.is_empty() => {
                let (id, _) = self.waiting.remove(at % self.waiting.len());
                self.governor.end(id, GONE, self.now);
            }
            Step::End(at, outcome) if !self.flying.is_empty() => {
                let (id, _) = self.flying.remove(at % self.flying.len());
                self.governor.end(id, outcome, self.now);
            }
            Step::GiveUp(_) | Step::End(..) => {}
            Step::Wait(ms) => self.now += Duration::from_millis(ms.into()),
        }
        self.poll();
    }

    fn request(&mut self, host: u8) -> DialId {
        let id = self.governor.request(&name(host), self.now);
        self.waiting.push((id, host));
        id
    }

    fn poll(&mut self) -> Option<Instant> {
        let (granted, next) = self.governor.poll(self.now);
        for id in granted {
            let at = self.waiting.iter().position(|(w, _)| *w == id);
            let at = at.expect("granted what does not wait");
            let host = self.waiting[at].1;
            let first = self.waiting.iter().position(|(_, h)| *h == host);
            assert_eq!(first, Some(at), "first come, first served");
            self.waiting.remove(at);
            self.flying.push((id, host));
            self.log.push((self.now, host));
        }
        assert!(self.flying.len() <= self.all.0 as usize);
        self.judge_idle(next);
        next
    }

    /// Whoever waits has a reason, and `next` is exactly when it ends.
    fn judge_idle(&self, next: Option<Instant>) {
        let times = |of: Option<u8>| -> Vec<Instant> {
            let mine = self
                .log
                .iter()
                .filter(|(_, h)| of.is_none_or(|of| of == *h));
            mine.map(|(at, _)| *at).collect()
        };
        let free = |limits: Rate, times: &[Instant]| match limits {
            Rate::Unlimited => self.now,
            Rate::Limited { count, per } => match times.len().checked_sub(count.get() as usize) {
                None => self.now,
                Some(oldest) => self.now.max(times[oldest] + per),
            },
        };
        let all = free(self.all.1, &times(None));
        let mut earliest = None;
        for host in 0..5 {
            let flying = self.flying.iter().filter(|(_, h)| *h == host).count();
            assert!(flying <= self.each.max_handshakes.get() as usize);
            let waits = self.waiting.iter().any(|(_, h)| *h == host);
            if waits && flying < self.each.max_handshakes.get() as usize {
                let at = free(self.each.dial_rate, &times(Some(host)));
                // What has no room by its standing waits for an end.
                if at == self.now && !self.governor.has_room(host) {
                    continue;
                }
                let at = at.max(all);
                earliest = Some(earliest.map_or(at, |e: Instant| e.min(at)));
            }
        }
        if self.flying.len() == self.all.0 as usize {
            earliest = None;
        }
        assert_eq!(next, earliest);
        assert_ne!(next, Some(self.now), "somebody could be granted now");
    }

    /// From here on every handshake ends, and time goes where the governor says.
    fn drain(&mut self) {
        while !self.waiting.is_empty() {
            for (id, _) in std::mem::take(&mut self.flying) {
                self.governor.end(id, GONE, self.now);
            }
            let before = self.waiting.len();
            let next = self.poll();
            if self.waiting.len() == before {
                self.now = next.expect("somebody waits for ever");
            }
        }
        for (id, _) in std::mem::take(&mut self.flying) {
            self.governor.end(id, GONE, self.now);
        }
        self.now += Duration::from_secs(3600);
        assert_eq!(self.poll(), None);
    }

    fn judge_rates(&self) {
        let all: Vec<Instant> = self.log.iter().map(|(at, _)| *at).collect();
        assert!(within(self.all.1, &all));
        for host in 0..5 {
            let mine: Vec<_> = self
                .log
                .iter()
                .filter(|(_, h)| *h == host)
                .map(|(at, _)| *at)
                .collect();
            assert!(within(self.each.dial_rate, &mine));
        }
    }
}

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![
        Just(Rate::Unlimited),
        (1u32..6, 1u64..1000).prop_map(|(n, ms)| limit(n, Duration::from_millis(ms))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn limits_hold_and_everybody_is_served(
        steps in steps(), max in 1u32..8, rate in rates(), host_rate in rates(), host_max in 1u32..5,
    ) {
        let mut run = Run::new((max, rate), host(host_rate, host_max));
        for step in steps {
            run.step(step);
        }
        run.drain();
        run.judge_rates();
        prop_assert!(run.governor.places.is_empty());
        prop_assert_eq!(run.governor.rested, run.governor.lanes.len(), "nothing is left but what is known");
    }

    #[test]
    fn a_host_with_room_is_served_within_one_round(
        crowd in proptest::collection::vec(0u8..4, 1..60), max in 1u32..4,
    ) {
        let mut run = Run::new((max, Rate::Unlimited), host(Rate::Unlimited, 16));
        for host in crowd {
            run.request(host);
        }
        let late = run.request(4);
        run.poll();
        let already = run.log.len();
        while run.waiting.iter().any(|(id, _)| *id == late) {
            run.step(Step::End(0, GONE));
        }
        prop_assert!(run.log.len() - already <= 5);
    }
}
