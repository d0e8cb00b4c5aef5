//! Dials in any order: limits and shares hold, nobody waits without a reason, and all are served.

use proptest::prelude::*;

use super::*;
use crate::core::dial_limiter::{
    division::{Division, rate_of, rate_of_tenants},
    group::UNLIMITED,
};

const HOSTS: u8 = 5;

/// The file, an operator, two tenants, and a removed token.
const OWNERS: [Option<&str>; 5] = [None, Some("operator"), Some("a"), Some("b"), Some("gone")];

#[derive(Clone, Debug)]
enum Step {
    Request(u8, usize),
    GiveUp(usize),
    End(usize, DialOutcome),
    Wait(u16),
    /// Other tokens take effect.
    Tokens(u8),
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
        12 => (0..HOSTS, 0..OWNERS.len()).prop_map(|(host, owner)| Step::Request(host, owner)),
        3 => any::<usize>().prop_map(Step::GiveUp),
        9 => (any::<usize>(), outcome()).prop_map(|(at, outcome)| Step::End(at, outcome)),
        9 => (0u16..900).prop_map(Step::Wait),
        1 => (0u8..4).prop_map(Step::Tokens),
    ];
    proptest::collection::vec(step, 0..200)
}

/// The queue of a dial: that of the file's names, of removed tokens, or of the tenant with this
/// number.
type Group = (u8, usize);

/// A dial that has not ended.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: DialId,
    host: u8,
    owner: usize,
    group: Group,
    /// It has moved to another group.
    moved: bool,
}

/// A grant.
#[derive(Clone, Copy, Debug)]
struct Granted {
    at: Instant,
    host: u8,
    group: Group,
}

/// A record of the limiter's actions.
struct Run {
    limiter: DialLimiter,
    now: Instant,
    all: (u32, Rate),
    each: HostSettings,
    shares: OwnerShares,
    /// Shares have changed while dials were in progress.
    mixed: bool,
    /// In order of arrival.
    waiting: Vec<Asked>,
    flying: Vec<Asked>,
    log: Vec<Granted>,
}

fn name(host: u8) -> String {
    format!("h{host}:80")
}

fn owner(number: usize) -> Option<Owner> {
    OWNERS[number].map(Owner::new)
}

fn tokens(which: u8) -> OwnerShares {
    let token = |name: &str, all| (Owner::new(name), all);
    let (operator, a, b) = (
        token("operator", true),
        token("a", false),
        token("b", false),
    );
    match which {
        0 => OwnerShares::default(),
        1 => OwnerShares::of_tokens([operator, a, b]),
        2 => OwnerShares::of_tokens([operator, a]),
        _ => OwnerShares::of_tokens([token("operator", false), b]),
    }
}

fn is_tenant(group: Group) -> bool {
    group.0 > 0
}

fn share_of(group: Group) -> Share {
    match group.0 {
        0 => Share::All,
        1 => Share::Removed,
        _ => Share::Tenant,
    }
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
        let hosts = (0..HOSTS).map(|host| (name(host), each)).collect();
        Self {
            limiter: DialLimiter::new(NonZeroU32::new(all.0).unwrap(), all.1, hosts),
            now: Instant::now(),
            all,
            each,
            shares: OwnerShares::default(),
            mixed: false,
            waiting: Vec::new(),
            flying: Vec::new(),
            log: Vec::new(),
        }
    }

    fn group(&self, number: usize) -> Group {
        match self.shares.of(owner(number).as_ref()) {
            Share::All => (0, 0),
            Share::Removed => (1, 0),
            Share::Tenant => (2, number),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Request(host, owner) => drop(self.request(host, owner)),
            Step::GiveUp(at) if !self.waiting.is_empty() => {
                let asked = self.waiting.remove(at % self.waiting.len());
                self.limiter.end(asked.id, GONE, self.now);
            }
            Step::End(at, outcome) if !self.flying.is_empty() => {
                let asked = self.flying.remove(at % self.flying.len());
                self.limiter.end(asked.id, outcome, self.now);
            }
            Step::GiveUp(_) | Step::End(..) => {}
            Step::Wait(ms) => self.now += Duration::from_millis(ms.into()),
            Step::Tokens(which) => self.replace(which),
        }
        self.poll();
    }

    fn replace(&mut self, which: u8) {
        self.shares = tokens(which);
        self.limiter.set_shares(self.shares.clone(), self.now);
        let groups: Vec<_> = (0..OWNERS.len()).map(|owner| self.group(owner)).collect();
        self.mixed |= !self.flying.is_empty();
        for asked in self.waiting.iter_mut().chain(&mut self.flying) {
            asked.moved |= asked.group != groups[asked.owner];
            asked.group = groups[asked.owner];
        }
    }

    fn request(&mut self, host: u8, number: usize) -> DialId {
        let owner = owner(number);
        let id = self.limiter.request(&name(host), owner.as_ref(), self.now);
        self.waiting.push(Asked {
            id,
            host,
            owner: number,
            group: self.group(number),
            moved: false,
        });
        id
    }

    fn poll(&mut self) -> Option<Instant> {
        let (granted, next) = self.limiter.poll(self.now);
        for id in granted {
            let at = self.waiting.iter().position(|asked| asked.id == id);
            let at = at.expect("granted what does not wait");
            let asked = self.waiting.remove(at);
            let Asked { host, group, .. } = asked;
            let mut before = self.waiting[..at].iter();
            let overtaken = before.find(|a| (a.host, a.group) == (host, group) && !a.moved);
            assert!(
                asked.moved || overtaken.is_none(),
                "first come, first served"
            );
            self.flying.push(asked);
            self.log.push(Granted {
                at: self.now,
                host,
                group,
            });
        }
        self.judge_shares();
        self.judge_idle(next);
        next
    }

    fn flying(&self, of: impl Fn(&Asked) -> bool) -> u32 {
        self.flying.iter().filter(|asked| of(asked)).count() as u32
    }

    /// All groups of a dial in this run.
    fn groups(&self) -> BTreeSet<Group> {
        let asked = self.waiting.iter().chain(&self.flying);
        asked.map(|asked| asked.group).collect()
    }

    fn judge_shares(&self) {
        let max = self.each.max_handshakes.get();
        assert!(self.flying(|_| true) <= self.all.0);
        for host in 0..HOSTS {
            assert!(self.flying(|a| a.host == host) <= max);
        }
        if self.mixed {
            return;
        }
        let (all, each) = (Division::of(self.all.0), Division::of(max));
        assert!(self.flying(|a| is_tenant(a.group)) <= all.tenants);
        for host in 0..HOSTS {
            let tenants = self.flying(|a| a.host == host && is_tenant(a.group));
            assert!(tenants <= each.tenants);
        }
        for group in self.groups() {
            let part = all.part(share_of(group)).unwrap_or(self.all.0);
            assert!(self.flying(|a| a.group == group) <= part);
            let part = each.part(share_of(group)).unwrap_or(max);
            for host in 0..HOSTS {
                assert!(self.flying(|a| (a.host, a.group) == (host, group)) <= part);
            }
        }
    }

    /// When a rate would allow another one of these.
    fn free(&self, rate: Rate, of: impl Fn(&Granted) -> bool) -> Instant {
        let Rate::Limited { count, per } = rate else {
            return self.now;
        };
        let log = self.log.iter().filter(|granted| of(granted));
        let times: Vec<_> = log.map(|granted| granted.at).collect();
        match times.len().checked_sub(count.get() as usize) {
            None => self.now,
            Some(oldest) => self.now.max(times[oldest] + per),
        }
    }

    fn free_at_host(&self, host: u8, group: Group) -> Instant {
        let rate = self.each.dial_rate;
        let mut free = self.free(rate, |g| g.host == host);
        if is_tenant(group) {
            let tenants = |g: &Granted| g.host == host && is_tenant(g.group);
            free = free.max(self.free(rate_of_tenants(rate), tenants));
            let own = |g: &Granted| (g.host, g.group) == (host, group);
            free = free.max(self.free(rate_of(share_of(group), rate), own));
        }
        free
    }

    fn free_for(&self, group: Group) -> Instant {
        let rate = self.all.1;
        let mut free = self.free(rate, |_| true);
        if is_tenant(group) {
            free = free.max(self.free(rate_of_tenants(rate), |g| is_tenant(g.group)));
            let own = rate_of(share_of(group), rate);
            free = free.max(self.free(own, |g| g.group == group));
        }
        free
    }

    /// Whether the limits of the host allow a dial of this group.
    fn has_room_at_host(&self, host: u8, group: Group) -> bool {
        let max = self.each.max_handshakes.get();
        let division = Division::of(max);
        let tenants = self.flying(|a| a.host == host && is_tenant(a.group));
        let own = self.flying(|a| (a.host, a.group) == (host, group));
        let part = division.part(share_of(group));
        self.flying(|a| a.host == host) < max
            && part.is_none_or(|part| own < part && tenants < division.tenants)
    }

    /// Whether the places allow a dial of this group, by the host's results. Some of them wait.
    fn has_room(&self, host: u8, group: Group) -> bool {
        let limiter = &self.limiter;
        let waits = |a: &&Asked| (a.host, a.group) == (host, group);
        let id = self.waiting.iter().find(waits).unwrap().id;
        let host_queue = &limiter.host_queues[limiter.dials[id.0].host_queue];
        let of = &limiter.groups[host_queue.group];
        let unlimited = &limiter.groups[UNLIMITED].places;
        let room = limiter.stock.room(of, unlimited);
        room.is_some_and(|room| of.places.has_room(host_queue.record.standing(), room))
    }

    /// Every wait has a reason, and `next` is exactly its end.
    fn judge_idle(&self, next: Option<Instant>) {
        let all = self.free(self.all.1, |_| true);
        let mut earliest: Option<Instant> = None;
        let waiting: BTreeSet<_> = self.waiting.iter().map(|a| (a.host, a.group)).collect();
        for (host, group) in waiting {
            if !self.has_room_at_host(host, group) {
                continue;
            }
            let at = match self.free_at_host(host, group) {
                // Dials without room wait for the end of another.
                at if at == self.now && !self.has_room(host, group) => continue,
                at if at == self.now => self.free_for(group),
                // Whether there is room then is unknown before.
                at => at.max(all),
            };
            earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        }
        if self.flying.len() == self.all.0 as usize {
            earliest = None;
        }
        assert_eq!(next, earliest);
        assert_ne!(next, Some(self.now), "somebody could be granted now");
    }

    /// From here on every handshake ends, and time advances as the limiter says.
    fn drain(&mut self) {
        while !self.waiting.is_empty() {
            for asked in std::mem::take(&mut self.flying) {
                self.limiter.end(asked.id, GONE, self.now);
            }
            let before = self.waiting.len();
            let next = self.poll();
            if self.waiting.len() == before {
                self.now = next.expect("somebody waits for ever");
            }
        }
        for asked in std::mem::take(&mut self.flying) {
            self.limiter.end(asked.id, GONE, self.now);
        }
        self.now += Duration::from_secs(3600);
        assert_eq!(self.poll(), None);
    }

    fn judge_rates(&self) {
        let groups: BTreeSet<_> = self.log.iter().map(|granted| granted.group).collect();
        let hosts = (0..HOSTS).map(|host| (Some(host), self.each.dial_rate));
        for (host, rate) in hosts.chain([(None, self.all.1)]) {
            let times = |of: &dyn Fn(Group) -> bool| -> Vec<Instant> {
                let log = self.log.iter();
                let log = log.filter(|g| host.is_none_or(|host| g.host == host) && of(g.group));
                log.map(|granted| granted.at).collect()
            };
            assert!(within(rate, &times(&|_| true)));
            assert!(within(rate_of_tenants(rate), &times(&is_tenant)));
            for group in groups.iter().filter(|group| is_tenant(**group)) {
                let own = times(&|of| of == *group);
                assert!(within(rate_of(share_of(*group), rate), &own));
            }
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
    fn limits_and_shares_hold_and_everybody_is_served(
        steps in steps(), max in 1u32..12, rate in rates(), host_rate in rates(), host_max in 1u32..6,
        first in 0u8..4,
    ) {
        let mut run = Run::new((max, rate), host(host_rate, host_max));
        run.replace(first);
        for step in steps {
            run.step(step);
        }
        run.drain();
        run.judge_rates();
        let limiter = &run.limiter;
        prop_assert!(limiter.groups.iter().all(|(_, group)| group.places.total() == 0));
        let rested = limiter.resting.unlimited.count() + limiter.resting.tenants.count();
        prop_assert_eq!(rested, limiter.host_queues.len(), "nothing is left but what is known");
    }

    #[test]
    fn a_host_with_room_is_served_within_one_round(
        crowd in proptest::collection::vec(0u8..4, 1..60), max in 1u32..4,
    ) {
        let mut run = Run::new((max, Rate::Unlimited), host(Rate::Unlimited, 16));
        for host in crowd {
            run.request(host, 0);
        }
        let late = run.request(4, 0);
        run.poll();
        let already = run.log.len();
        while run.waiting.iter().any(|asked| asked.id == late) {
            run.step(Step::End(0, GONE));
        }
        prop_assert!(run.log.len() - already <= 5);
    }
}
