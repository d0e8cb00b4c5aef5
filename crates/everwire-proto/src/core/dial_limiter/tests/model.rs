//! A model of dead and live hosts, whose names dial repeatedly: how long a live host waits.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use proptest::prelude::*;

use super::*;
use crate::core::dial_limiter::{division::Division, standing::Standing};

/// How long a dial to a dead host holds its place.
const T: Duration = Duration::from_secs(10);

/// The same in the model's clock.
const T_MS: u64 = 10_000;

/// The behaviour of a host, in milliseconds since the beginning.
#[derive(Clone, Debug)]
struct Host {
    /// The owner of its names; 0 is the file, and the last tenant's token is removed.
    owner: usize,
    /// Its address, if others have the same.
    at: Option<usize>,
    names: u32,
    /// The time of the first dials.
    comes: u64,
    /// It answers within this range, after `takes`, and drops the socket after `drops`.
    lives: std::ops::Range<u64>,
    takes: u64,
    drops: u64,
}

impl Host {
    /// It never answers.
    fn dead(comes: u64, names: u32) -> Self {
        Self {
            owner: 0,
            at: None,
            names,
            comes,
            lives: 0..0,
            takes: 0,
            drops: 0,
        }
    }

    /// It always answers.
    fn live(comes: u64, takes: u64, drops: u64) -> Self {
        Self {
            owner: 0,
            at: None,
            names: 1,
            comes,
            lives: 0..u64::MAX,
            takes,
            drops,
        }
    }

    fn of(self, owner: usize) -> Self {
        Self { owner, ..self }
    }
}

const TENANTS: usize = 4;

fn owner(number: usize) -> Option<Owner> {
    (number > 0).then(|| Owner::new(format!("tenant-{number}")))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Dials { host: usize, failures: u32 },
    Ends { dial: usize },
}

/// A dial in progress.
#[derive(Clone, Copy, Debug)]
struct Under {
    id: DialId,
    host: usize,
    failures: u32,
    since: u64,
    /// How many hosts that were ready later have answered, too.
    behind: u64,
    standing: Standing,
}

/// The wait of a dial.
#[derive(Clone, Copy, Debug)]
struct Waited {
    host: usize,
    at: u64,
    ms: u64,
    behind: u64,
}

struct World {
    limiter: DialLimiter,
    start: Instant,
    hosts: Vec<Host>,
    agenda: BinaryHeap<Reverse<(u64, u64, Happens)>>,
    planned: u64,
    dials: BTreeMap<usize, Under>,
    /// The numbers of dials to hosts that always live.
    live: BTreeSet<usize>,
    waits: Vec<Waited>,
}

impl World {
    /// Runs these hosts until `end`, with this number of places.
    fn run(places: u32, hosts: Vec<Host>, end: u64) -> Vec<Waited> {
        let mut world = Self {
            limiter: limiter(places, Rate::Unlimited, []),
            start: Instant::now(),
            hosts,
            agenda: BinaryHeap::new(),
            planned: 0,
            dials: BTreeMap::new(),
            live: BTreeSet::new(),
            waits: Vec::new(),
        };
        let tokens = (1..TENANTS).filter_map(|number| Some((owner(number)?, false)));
        let shares = OwnerShares::of_tokens(tokens);
        world.limiter.set_shares(shares, world.start);
        for (host, what) in world.hosts.clone().into_iter().enumerate() {
            for _ in 0..what.names {
                world.plan(what.comes, Happens::Dials { host, failures: 0 });
            }
        }
        let mut now = 0;
        while now <= end
            && let Some(Reverse((at, _, happens))) = world.agenda.pop()
        {
            now = at;
            world.happen(now, happens);
            world.grant(now);
        }
        // Those that still wait are reported, too.
        for dial in world.dials.values().copied().collect::<Vec<_>>() {
            if world.limiter.is_waiting(dial.id) {
                world.note(&dial, now);
            }
        }
        world.waits
    }

    fn plan(&mut self, at: u64, happens: Happens) {
        self.planned += 1;
        self.agenda.push(Reverse((at, self.planned, happens)));
    }

    fn happen(&mut self, now: u64, happens: Happens) {
        let at = self.start + Duration::from_millis(now);
        match happens {
            Happens::Dials { host, failures } => {
                let Host {
                    owner: of,
                    at: place,
                    ..
                } = self.hosts[host];
                let place = format!("h{}:1", place.unwrap_or(host));
                let id = self.limiter.request(&place, owner(of).as_ref(), at);
                let host_queue =
                    &self.limiter.host_queues[self.limiter.dials[id.number()].host_queue];
                let standing = host_queue.record.standing();
                for dial in &self.live {
                    let dial = self.dials.get_mut(dial).unwrap();
                    dial.behind += u64::from(standing <= dial.standing);
                }
                if self.hosts[host].lives == (0..u64::MAX) {
                    self.live.insert(id.number());
                }
                let dial = Under {
                    id,
                    host,
                    failures,
                    since: now,
                    behind: 0,
                    standing,
                };
                self.dials.insert(id.number(), dial);
            }
            Happens::Ends { dial } => {
                self.live.remove(&dial);
                let dial = self.dials.remove(&dial).unwrap();
                let host = &self.hosts[dial.host];
                let lives = host.lives.contains(&now);
                let (outcome, failures, delay) = match lives {
                    true => (DialOutcome::Answered, 0, host.drops + 500),
                    // A backoff without randomness: from 0.5 s to 30 s.
                    false => (
                        DialOutcome::Failed,
                        dial.failures + 1,
                        (500 << dial.failures.min(10)).min(30_000),
                    ),
                };
                self.limiter.end(dial.id, outcome, at);
                let host = dial.host;
                self.plan(now + delay, Happens::Dials { host, failures });
            }
        }
    }

    fn grant(&mut self, now: u64) {
        let at = self.start + Duration::from_millis(now);
        while let Some(id) = self.limiter.grant(at) {
            let dial = self.dials[&id.number()];
            self.note(&dial, now);
            let host = &self.hosts[dial.host];
            let takes = match host.lives.contains(&now) {
                true => host.takes,
                false => T_MS,
            };
            let dial = id.number();
            self.plan(now + takes, Happens::Ends { dial });
        }
        assert_eq!(self.limiter.next(at), None, "only ends are waited for");
    }

    fn note(&mut self, dial: &Under, now: u64) {
        self.waits.push(Waited {
            host: dial.host,
            at: now,
            ms: now - dial.since,
            behind: dial.behind,
        });
    }
}

/// Dead hosts: some never answered, and some answered until all of them died at about the same
/// time.
fn dead() -> impl Strategy<Value = Vec<Host>> {
    let never = (0u64..60_000, 1u32..20).prop_map(|(comes, names)| Host::dead(comes, names));
    let died = (20_000u64..21_000, 1u32..3, 1u64..1500, 1u64..60_000).prop_map(
        |(dies, names, takes, drops)| Host {
            owner: 0,
            at: None,
            names,
            comes: 0,
            lives: 0..dies,
            takes,
            drops,
        },
    );
    proptest::collection::vec(prop_oneof![never, died], 0..400)
}

/// Hosts of tenants that never answer. Some are also hosts of the file.
fn mute() -> impl Strategy<Value = Vec<Host>> {
    let mute = (
        0u64..60_000,
        1u32..40,
        1..=TENANTS,
        proptest::option::of(0usize..8),
    );
    let mute = mute.prop_map(|(comes, names, owner, at)| Host {
        at,
        ..Host::dead(comes, names).of(owner)
    });
    proptest::collection::vec(mute, 0..400)
}

/// The places that tenants leave at least.
fn left(places: u32) -> u32 {
    places - Division::of(places).tenants
}

/// The places for hosts that answered the last time.
fn eighth(places: u32) -> usize {
    (places as usize / 8).max(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn hosts_that_never_answered_do_not_delay_one_that_did(
        dead in proptest::collection::vec((1000u64..60_000, 1u32..20), 0..400),
        live in proptest::collection::vec((1u64..1000, 1u64..20_000), 1..8),
        places in 2u32..100,
    ) {
        // As many as an eighth of the places.
        let live: Vec<_> = live.into_iter().take(eighth(places)).collect();
        let many = live.len();
        let live = live.into_iter().map(|(takes, drops)| Host::live(0, takes, drops));
        let dead = dead.into_iter().map(|(comes, names)| Host::dead(comes, names));
        let waits = World::run(places, live.chain(dead).collect(), 300_000);
        for waited in waits.iter().filter(|waited| waited.host < many) {
            prop_assert_eq!(waited.ms, 0, "{:?}", waited);
        }
    }

    #[test]
    fn a_live_host_waits_for_a_stated_time_however_many_are_dead(
        dead in dead(), places in 2u32..100,
        comes in 0u64..60_000, takes in 1u64..1500, drops in 1u64..20_000,
    ) {
        let mut hosts = dead;
        let live = hosts.len();
        hosts.push(Host::live(comes, takes, drops));
        let waits = World::run(places, hosts, 300_000);
        for waited in waits.iter().filter(|waited| waited.host == live) {
            let turns = 2 * waited.behind;
            let bound = T_MS * (3 + turns.div_ceil(eighth(places) as u64));
            prop_assert!(waited.ms <= bound, "{:?}", waited);
        }
    }

    #[test]
    fn a_tenants_mute_hosts_never_delay_a_name_of_the_file(
        mute in mute(), places in 2u32..100,
        live in proptest::collection::vec((0u64..60_000, 1u64..5000, 1u64..20_000), 1..4),
    ) {
        // As many as may be in flight in the places that tenants leave, if all hosts are unknown
        // and one of them hangs.
        let many = (left(places) as usize / 2).clamp(1, live.len());
        let live = live.into_iter().take(many);
        let live = live.map(|(comes, takes, drops)| Host::live(comes, takes, drops));
        let waits = World::run(places, live.chain(mute).collect(), 300_000);
        for waited in waits.iter().filter(|waited| waited.host < many) {
            prop_assert_eq!(waited.ms, 0, "{:?}", waited);
        }
    }

    #[test]
    fn neither_the_files_dead_hosts_nor_a_tenants_mute_ones_delay_one_that_answered(
        dead in proptest::collection::vec((1000u64..60_000, 1u32..20), 0..400), mute in mute(),
        live in proptest::collection::vec((1u64..1000, 1u64..20_000), 1..8), places in 5u32..100,
    ) {
        // As many as an eighth of the places that tenants leave.
        let live: Vec<_> = live.into_iter().take(eighth(left(places))).collect();
        let many = live.len();
        let live = live.into_iter().map(|(takes, drops)| Host::live(0, takes, drops));
        let dead = dead.into_iter().map(|(comes, names)| Host::dead(comes, names));
        let mute = mute.into_iter().map(|host| Host { comes: host.comes.max(1000), ..host });
        let hosts = live.chain(mute).chain(dead).collect();
        for waited in World::run(places, hosts, 300_000).iter().filter(|waited| waited.host < many) {
            prop_assert_eq!(waited.ms, 0, "{:?}", waited);
        }
    }

    #[test]
    fn a_live_host_waits_for_a_stated_time_beside_the_files_dead_ones_and_a_tenants_mute_ones(
        dead in dead(), mute in mute(), places in 9u32..100,
        comes in 0u64..60_000, takes in 1u64..1500, drops in 1u64..20_000,
    ) {
        let mut hosts = dead;
        let live = hosts.len();
        hosts.push(Host::live(comes, takes, drops));
        hosts.extend(mute.into_iter().map(|host| Host { at: None, ..host }));
        let waits = World::run(places, hosts, 300_000);
        for waited in waits.iter().filter(|waited| waited.host == live) {
            let turns = 2 * waited.behind;
            let bound = T_MS * (3 + turns.div_ceil(eighth(left(places)) as u64));
            prop_assert!(waited.ms <= bound, "{:?}", waited);
        }
    }

    #[test]
    fn every_owners_turn_comes(
        dead in proptest::collection::vec((0u64..60_000, 1u32..3, 0..=TENANTS), 0..12), places in 1u32..20,
    ) {
        let dead = dead.into_iter();
        let dead: Vec<_> = dead.map(|(comes, names, owner)| Host::dead(comes, names).of(owner)).collect();
        let names: u64 = dead.iter().map(|host| u64::from(host.names)).sum();
        for waited in World::run(places, dead, 2_000_000) {
            // As if there were only one place, with each name ahead five times in a better class,
            // and another owner's turn between any two.
            prop_assert!(waited.ms <= T_MS * 12 * names, "{:?}", waited);
        }
    }

    #[test]
    fn everybodys_turn_comes(dead in dead(), places in 1u32..100) {
        let names: u64 = dead.iter().map(|host| u64::from(host.names)).sum();
        let waits = World::run(places, dead, 300_000);
        // Each name of each host may be ahead, five times in a better class.
        let rounds = (6 * names).div_ceil(u64::from(places).div_ceil(2));
        for waited in waits {
            prop_assert!(waited.ms <= T_MS * (2 + rounds), "{:?}", waited);
        }
    }
}

#[test]
fn a_name_is_redialled_at_once_beside_hundreds_that_accept_and_never_upgrade() {
    let dead = (0..320).map(|_| Host::dead(1000, 1));
    let hosts = [Host::live(0, 50, 4000)].into_iter().chain(dead).collect();
    let waits = World::run(64, hosts, 300_000);
    let live: Vec<_> = waits.iter().filter(|waited| waited.host == 0).collect();
    assert!(live.len() > 50);
    assert!(live.iter().all(|waited| waited.ms == 0), "{live:?}");
}

#[test]
fn a_name_that_comes_late_waits_for_a_place_and_not_for_all_that_were_there_before() {
    let dead = (0..320).map(|_| Host::dead(0, 1));
    for comes in [1, 5_000, 12_000, 30_000, 100_000] {
        let hosts = dead.clone().chain([Host::live(comes, 50, 4000)]).collect();
        let waits = World::run(64, hosts, 200_000);
        let first = waits.iter().find(|waited| waited.host == 320).unwrap();
        assert!(first.ms <= T_MS, "{first:?}");
    }
}

#[test]
fn a_host_that_comes_back_is_found_when_its_turn_comes() {
    let mut hosts: Vec<_> = (0..320).map(|_| Host::dead(0, 1)).collect();
    hosts[160].lives = 200_000..u64::MAX;
    hosts[160].drops = 1000;
    let waits = World::run(64, hosts, 500_000);
    let back = waits.iter().find(|w| w.host == 160 && w.at > 200_000);
    let back = back.unwrap();
    // 320 of them in 32 places.
    assert!(back.ms <= T_MS * 10, "{back:?}");
    assert!(T * 11 > Duration::from_millis(back.ms));
    let later = waits.iter().filter(|w| w.host == 160 && w.at > back.at);
    assert!(later.count() > 50, "and is prompt from then on");
}
