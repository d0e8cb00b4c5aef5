//! When a dial may begin: handshakes in flight and dials in a time, over all names and for each host.
//!
//! Hosts take turns, and within a host it is first come, first served: a host whose handshakes all hang
//! fills its own places and nobody else's. A grant costs O(log n), however many names wait.

mod window;

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::Arc,
    time::Instant,
};

use self::window::Window;
use crate::config::{HostSettings, Rate};

/// Admits dials.
///
/// Every id is requested once, and then cancelled or released once. [`poll`](Self::poll) after each of
/// these, and when the time comes that it named, or grants are late.
#[derive(Debug)]
pub struct Governor {
    max_in_flight: u32,
    in_flight: u32,
    window: Window,
    settings: BTreeMap<String, HostSettings>,
    tickets: BTreeMap<u64, Ticket>,
    lanes: BTreeMap<Arc<str>, Lane>,
    /// Hosts that could be granted a dial, in the order of their turns.
    ready: BTreeMap<u64, Arc<str>>,
    /// Hosts that wait for their own rate.
    timed: BTreeSet<(Instant, Arc<str>)>,
    /// Hosts with nothing left but a rate that has not forgotten them.
    fading: BTreeSet<(Instant, Arc<str>)>,
    /// The next turn, and the next place in a host's line.
    counter: u64,
}

/// What [`Governor::poll`] decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The dials that may begin now.
    pub granted: Vec<u64>,
    /// When to poll again, if time alone will admit a dial.
    pub next: Option<Instant>,
}

/// One dial, waiting or in flight.
#[derive(Debug)]
struct Ticket {
    host: Arc<str>,
    /// Its place in the host's line; `None` once it was granted.
    waiting: Option<u64>,
}

/// One host's line.
#[derive(Debug)]
struct Lane {
    max_in_flight: u32,
    in_flight: u32,
    window: Window,
    waiting: BTreeMap<u64, u64>,
    place: Place,
}

/// Where a host stands; leaves with each grant, release, request and cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nobody waits, or all places are taken.
    Aside,
    /// In `ready`, under this turn.
    Ready(u64),
    /// In `timed`, until then.
    Timed(Instant),
    /// In `fading`, until then.
    Fading(Instant),
}

impl Governor {
    /// At most `max_in_flight` handshakes and `rate` dials over all hosts, and for each host what `hosts` says of
    /// its `host:port`, else of its `host`, else the default.
    ///
    /// A `host` without a port is one line for all its ports; otherwise each port has its own.
    pub fn new(
        max_in_flight: NonZeroU32,
        rate: Rate,
        hosts: BTreeMap<String, HostSettings>,
    ) -> Self {
        Self {
            max_in_flight: max_in_flight.get(),
            in_flight: 0,
            window: Window::new(rate),
            settings: hosts,
            tickets: BTreeMap::new(),
            lanes: BTreeMap::new(),
            ready: BTreeMap::new(),
            timed: BTreeSet::new(),
            fading: BTreeSet::new(),
            counter: 0,
        }
    }

    /// Queues the dial `id` to `host`, written as `host:port`. An id that is known already is left as it is.
    pub fn request(&mut self, id: u64, host: &str, now: Instant) {
        if self.tickets.contains_key(&id) {
            return;
        }
        let host = self.lane_of(host);
        let order = self.count();
        if let Some(lane) = self.lanes.get_mut(&host) {
            lane.waiting.insert(order, id);
        }
        let waiting = Some(order);
        let ticket = Ticket {
            host: Arc::clone(&host),
            waiting,
        };
        self.tickets.insert(id, ticket);
        self.settle(&host, now);
    }

    /// Withdraws the dial `id`, whether it waits or is in flight.
    pub fn cancel(&mut self, id: u64, now: Instant) {
        let Some(ticket) = self.tickets.remove(&id) else {
            return;
        };
        if let Some(lane) = self.lanes.get_mut(&ticket.host) {
            match ticket.waiting {
                Some(order) => drop(lane.waiting.remove(&order)),
                None => {
                    lane.in_flight -= 1;
                    self.in_flight -= 1;
                }
            }
        }
        self.settle(&ticket.host, now);
    }

    /// The handshake of `id` is over.
    pub fn release(&mut self, id: u64, now: Instant) {
        self.cancel(id, now);
    }

    /// Grants what may begin at `now`.
    pub fn poll(&mut self, now: Instant) -> Grants {
        self.wake(now);
        let mut granted = Vec::new();
        while self.in_flight < self.max_in_flight && self.window.free_at(now).is_none() {
            let Some((_, host)) = self.ready.pop_first() else {
                break;
            };
            granted.extend(self.grant(&host, now));
            self.settle(&host, now);
        }
        Grants {
            granted,
            next: self.next(now),
        }
    }

    /// The key of the lane that this host has from now on.
    fn lane_of(&mut self, host: &str) -> Arc<str> {
        // A lane of that very name is the host's: the settings never change.
        if let Some((key, _)) = self.lanes.get_key_value(host) {
            return Arc::clone(key);
        }
        let (key, settings) = self.line(host);
        if let Some((key, _)) = self.lanes.get_key_value(key) {
            return Arc::clone(key);
        }
        let key: Arc<str> = key.into();
        self.lanes.insert(Arc::clone(&key), Lane::new(settings));
        key
    }

    /// The host's line, and its limits.
    fn line<'h>(&self, host: &'h str) -> (&'h str, HostSettings) {
        if let Some(settings) = self.settings.get(host) {
            return (host, *settings);
        }
        let name = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map(|(name, _)| name);
        match name.and_then(|name| Some((name, self.settings.get(name)?))) {
            Some((name, settings)) => (name, *settings),
            None => (host, HostSettings::default()),
        }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Hosts whose time has come take their turn, or are forgotten.
    fn wake(&mut self, now: Instant) {
        for set in [Self::timed, Self::fading] {
            while set(self).first().is_some_and(|(at, _)| *at <= now) {
                if let Some((_, host)) = set(self).pop_first() {
                    self.settle(&host, now);
                }
            }
        }
    }

    fn timed(&mut self) -> &mut BTreeSet<(Instant, Arc<str>)> {
        &mut self.timed
    }

    fn fading(&mut self) -> &mut BTreeSet<(Instant, Arc<str>)> {
        &mut self.fading
    }

    fn grant(&mut self, host: &Arc<str>, now: Instant) -> Option<u64> {
        let lane = self.lanes.get_mut(host)?;
        lane.place = Place::Aside;
        let (_, id) = lane.waiting.pop_first()?;
        lane.in_flight += 1;
        lane.window.count(now);
        self.in_flight += 1;
        self.window.count(now);
        if let Some(ticket) = self.tickets.get_mut(&id) {
            ticket.waiting = None;
        }
        Some(id)
    }

    /// Puts a host where it belongs after something changed, or forgets it when it has nothing left.
    fn settle(&mut self, host: &Arc<str>, now: Instant) {
        let turn = self.count();
        let Some(lane) = self.lanes.get_mut(host) else {
            return;
        };
        let wanted = lane.wanted(turn, now);
        // A host that keeps being ready keeps its turn.
        if matches!(
            (lane.place, wanted),
            (Place::Ready(_), Some(Place::Ready(_)))
        ) {
            return;
        }
        match lane.place {
            Place::Aside => {}
            Place::Ready(turn) => drop(self.ready.remove(&turn)),
            Place::Timed(at) => drop(self.timed.remove(&(at, Arc::clone(host)))),
            Place::Fading(at) => drop(self.fading.remove(&(at, Arc::clone(host)))),
        }
        let Some(place) = wanted else {
            self.lanes.remove(host);
            return;
        };
        lane.place = place;
        match place {
            Place::Aside => {}
            Place::Ready(turn) => drop(self.ready.insert(turn, Arc::clone(host))),
            Place::Timed(at) => drop(self.timed.insert((at, Arc::clone(host)))),
            Place::Fading(at) => drop(self.fading.insert((at, Arc::clone(host)))),
        }
    }

    /// When time alone admits the next dial. Fading hosts can wait for any other event.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        if self.in_flight >= self.max_in_flight {
            return None;
        }
        let host = match self.ready.is_empty() {
            false => now,
            true => self.timed.first()?.0,
        };
        Some(self.window.free_at(now).map_or(host, |all| all.max(host)))
    }
}

impl Lane {
    fn new(settings: HostSettings) -> Self {
        Self {
            max_in_flight: settings.max_handshakes.get(),
            in_flight: 0,
            window: Window::new(settings.dial_rate),
            waiting: BTreeMap::new(),
            place: Place::Aside,
        }
    }

    /// Whether time alone may admit a dial.
    fn waits(&self) -> bool {
        !self.waiting.is_empty() && self.in_flight < self.max_in_flight
    }

    /// Where the host belongs; `None` when nothing of it needs to be kept.
    fn wanted(&mut self, turn: u64, now: Instant) -> Option<Place> {
        if self.waits() {
            let free = self.window.free_at(now);
            return Some(free.map_or(Place::Ready(turn), Place::Timed));
        }
        if self.in_flight > 0 {
            return Some(Place::Aside);
        }
        self.window.forgotten_at(now).map(Place::Fading)
    }
}

#[cfg(test)]
mod tests {
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

    fn governor<const N: usize>(
        max: u32,
        rate: Rate,
        hosts: [(&str, HostSettings); N],
    ) -> Governor {
        let hosts = hosts.map(|(name, settings)| (name.to_owned(), settings));
        Governor::new(NonZeroU32::new(max).unwrap(), rate, hosts.into())
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_of_the_whole_rate_goes_at_once_and_then_waits_for_the_window() {
        let t = Instant::now();
        let mut governor = governor(64, limit(3, SECOND), []);
        for id in 0..5 {
            governor.request(id, "a:80", t);
        }
        let grants = governor.poll(t);
        assert_eq!(grants.granted, [0, 1, 2]);
        assert_eq!(grants.next, Some(t + SECOND));
        let early = governor.poll(t + SECOND - Duration::from_nanos(1));
        assert!(early.granted.is_empty());
        let grants = governor.poll(t + SECOND);
        assert_eq!((grants.granted, grants.next), (vec![3, 4], None));
    }

    #[test]
    fn a_host_that_never_answers_fills_its_own_places_only() {
        let t = Instant::now();
        let mut governor = governor(64, Rate::Unlimited, []);
        for id in 0..1000 {
            governor.request(id, "hole:443", t);
        }
        governor.request(1000, "healthy:443", t);
        let granted = governor.poll(t).granted;
        assert_eq!(granted.len(), 17);
        assert_eq!(granted[1], 1000, "the healthy host has the second turn");
        assert_eq!(governor.poll(t), Grants::default());
        governor.release(1000, t);
        assert_eq!(governor.poll(t), Grants::default());
        governor.cancel(0, t);
        assert_eq!(governor.poll(t).granted, [16]);
    }

    #[test]
    fn hosts_take_turns_when_places_are_scarce() {
        let t = Instant::now();
        let mut governor = governor(1, Rate::Unlimited, []);
        for (id, host) in ["a:1", "a:1", "a:1", "b:1", "b:1", "c:1"]
            .iter()
            .enumerate()
        {
            governor.request(id as u64, host, t);
        }
        let mut order = Vec::new();
        while let [id] = governor.poll(t).granted[..] {
            order.push(id);
            governor.release(id, t);
        }
        assert_eq!(order, [0, 3, 5, 1, 4, 2]);
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
                let id = governor.count();
                governor.request(id, host, t);
            }
            governor.poll(t).granted.len()
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
        for id in 0..4 {
            governor.request(id, if id < 2 { "slow:1" } else { "fast:1" }, t);
        }
        let grants = governor.poll(t);
        assert_eq!(grants.granted, [0, 2, 3]);
        assert_eq!(grants.next, Some(t + SECOND));
        assert_eq!(governor.poll(t + SECOND).granted, [1]);
    }

    #[test]
    fn a_rate_outlives_the_dials_that_it_counted() {
        let t = Instant::now();
        let slow = host(limit(1, SECOND), 16);
        let mut governor = governor(64, Rate::Unlimited, [("slow", slow)]);
        governor.request(1, "slow:1", t);
        assert_eq!(governor.poll(t).granted, [1]);
        governor.release(1, t);
        governor.request(2, "slow:1", t);
        assert!(governor.poll(t).granted.is_empty());
        governor.cancel(2, t);
        assert_eq!(governor.poll(t + SECOND), Grants::default());
        assert!(governor.is_empty());
    }

    #[test]
    fn a_name_that_comes_and_goes_leaves_nothing_behind() {
        let t = Instant::now();
        let mut governor = governor(1, Rate::Unlimited, []);
        governor.request(0, "busy:1", t);
        governor.poll(t);
        for id in 1..10_000 {
            governor.request(id, &format!("h{id}:1"), t);
            governor.cancel(id, t);
        }
        governor.release(0, t);
        assert!(governor.is_empty());
    }

    impl Governor {
        fn is_empty(&self) -> bool {
            self.lanes.is_empty()
                && self.tickets.is_empty()
                && self.ready.is_empty()
                && self.timed.is_empty()
                && self.fading.is_empty()
                && self.in_flight == 0
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Request(u8),
        Cancel(usize),
        Release(usize),
        Wait(u16),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0u8..5).prop_map(Step::Request),
            1 => any::<usize>().prop_map(Step::Cancel),
            3 => any::<usize>().prop_map(Step::Release),
            3 => (0u16..400).prop_map(Step::Wait),
        ];
        proptest::collection::vec(step, 0..200)
    }

    /// What a governor did, kept to be judged.
    struct Run {
        governor: Governor,
        now: Instant,
        all: (u32, Rate),
        each: HostSettings,
        waiting: Vec<(u64, u8)>,
        flying: Vec<(u64, u8)>,
        log: Vec<(Instant, u8)>,
        next_id: u64,
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
                next_id: 0,
            }
        }

        fn step(&mut self, step: Step) {
            match step {
                Step::Request(host) => {
                    self.governor.request(self.next_id, &name(host), self.now);
                    self.waiting.push((self.next_id, host));
                    self.next_id += 1;
                }
                Step::Cancel(at) if !self.waiting.is_empty() => {
                    let (id, _) = self.waiting.remove(at % self.waiting.len());
                    self.governor.cancel(id, self.now);
                }
                Step::Release(at) if !self.flying.is_empty() => {
                    let (id, _) = self.flying.remove(at % self.flying.len());
                    match at % 2 {
                        0 => self.governor.release(id, self.now),
                        _ => self.governor.cancel(id, self.now),
                    }
                }
                Step::Cancel(_) | Step::Release(_) => {}
                Step::Wait(ms) => self.now += Duration::from_millis(ms.into()),
            }
            self.poll();
        }

        fn poll(&mut self) -> Option<Instant> {
            let Grants { granted, next } = self.governor.poll(self.now);
            for id in granted {
                let at = self.waiting.iter().position(|(w, _)| *w == id);
                let (_, host) = self.waiting.remove(at.expect("granted what does not wait"));
                let first = self.waiting.iter().find(|(_, h)| *h == host);
                assert!(
                    first.is_none_or(|(w, _)| *w > id),
                    "first come, first served"
                );
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
                Rate::Limited { count, per } => match times.len().checked_sub(count.get() as usize)
                {
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
                    let at = free(self.each.dial_rate, &times(Some(host))).max(all);
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
                    self.governor.release(id, self.now);
                }
                let before = self.waiting.len();
                let next = self.poll();
                if self.waiting.len() == before {
                    self.now = next.expect("somebody waits for ever");
                }
            }
            for (id, _) in std::mem::take(&mut self.flying) {
                self.governor.release(id, self.now);
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
            prop_assert!(run.governor.is_empty());
        }

        #[test]
        fn a_host_with_room_is_served_within_one_round(
            crowd in proptest::collection::vec(0u8..4, 1..60), max in 1u32..4,
        ) {
            let mut run = Run::new((max, Rate::Unlimited), host(Rate::Unlimited, 16));
            for host in crowd {
                run.governor.request(run.next_id, &name(host), run.now);
                run.waiting.push((run.next_id, host));
                run.next_id += 1;
            }
            run.step(Step::Request(4));
            let late = run.next_id - 1;
            let already = run.log.len();
            while run.waiting.iter().any(|(id, _)| *id == late) {
                run.step(Step::Release(0));
            }
            prop_assert!(run.log.len() - already <= 5);
        }
    }
}
