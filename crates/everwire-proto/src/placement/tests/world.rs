//! A cluster in one thread: a log that delays, loses, doubles and goes back, nodes whose clocks drift,
//! which are stopped, killed and cut off, and the names that they write for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    super::{
        BootId, Command, Effect, Here, Labels, LeaseSettings, Member, MemberSettings, Record,
        ShardId, Term,
    },
    log::{Entry, Log},
    node::{Giving, Node, Process, Word},
    random::Random,
};

/// Each turn of the world takes so long.
pub const TURN: u64 = 100;
pub const SHARDS: u32 = 4;
/// Names of each shard.
pub const NAMES: u8 = 2;
pub const LEASE: u64 = 18_000;
pub const MARGIN: u64 = 2_000;

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub struct World {
    pub now: u64,
    pub random: Random,
    pub log: Log,
    pub nodes: Vec<Node>,
    pub(super) words: Vec<Word>,
    /// Of 1,000 appends so many are lost, and so many doubled.
    pub lost: u64,
    pub doubled: u64,
    pub longest_delay: u64,
    /// Whether tokens have to grow: a log that went back may not know the highest.
    pub has_gone_back: bool,
    highest: BTreeMap<(ShardId, u8), (Term, BootId)>,
    numbers: u64,
    /// Whether each effect is printed.
    pub traces: bool,
}

impl World {
    pub fn new(seed: u64, nodes: u64) -> Self {
        let mut random = Random::new(seed);
        let node = |at: u64, random: &mut Random| Node {
            name: format!("node-{at}").into(),
            weight: u32::try_from(random.between(1, 2)).unwrap(),
            labels: Labels::default(),
            rate: random.between(980, 1020),
            offset: random.below(1_000_000),
            wall: 0,
            kept: None,
            process: None,
            starts_at: random.below(30_000),
            is_cut: false,
            is_cut_from_nodes: false,
            stopped_until: 0,
            lags: (0, 0),
        };
        let nodes = (0..nodes).map(|at| node(at, &mut random)).collect();
        Self {
            now: 0,
            log: Log {
                first: 1,
                ..Log::default()
            },
            nodes,
            words: Vec::new(),
            lost: 0,
            doubled: 0,
            longest_delay: 300,
            has_gone_back: false,
            highest: BTreeMap::new(),
            numbers: 0,
            traces: false,
            random,
        }
    }

    pub(super) fn here(&mut self, node: usize) -> Here {
        self.numbers += 1;
        let mixed = Random::new(self.numbers).next();
        Here {
            now: self.nodes[node].clocks(self.now),
            random: mixed,
        }
    }

    pub(super) fn append(&mut self, command: Command) {
        if self.random.permille(self.lost) {
            return;
        }
        let bytes = Record::encode(&command);
        let copies = if self.random.permille(self.doubled) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let at = self.now + self.random.between(1, self.longest_delay);
            self.log.coming.push((at, bytes.clone()));
        }
    }

    /// One turn: what comes in the log, what nodes read and do. Then nobody may be writing who must
    /// not.
    pub fn turn(&mut self) {
        self.now += TURN;
        self.check("before the turn");
        self.store();
        for node in 0..self.nodes.len() {
            let state = &mut self.nodes[node];
            if state.process.is_none() && self.now >= state.starts_at {
                self.start(node);
            }
            if self.nodes[node].process.is_some() && self.now >= self.nodes[node].stopped_until {
                self.run(node);
                self.check("between nodes");
            }
        }
    }

    fn store(&mut self) {
        if self.log.is_away {
            return;
        }
        let now = self.now;
        self.log.coming.sort_by_key(|(at, _)| *at);
        let ready = self.log.coming.partition_point(|(at, _)| *at <= now);
        for (_, bytes) in self.log.coming.drain(..ready) {
            self.log.ids += 1;
            self.log.entries.push(Entry {
                id: self.log.ids,
                at: now,
                bytes,
            });
        }
    }

    fn start(&mut self, node: usize) {
        let now = self.nodes[node].clocks(self.now);
        let state = &self.nodes[node];
        let settings = MemberSettings {
            node: state.name.clone(),
            weight: state.weight,
            labels: state.labels.clone(),
            shards: SHARDS,
            lease: LeaseSettings::new(ms(LEASE), ms(MARGIN)).unwrap(),
            moves: 50,
            snapshot_after: 40,
        };
        let process = Process {
            member: Member::new(settings, state.kept.clone(), now),
            own: BTreeMap::new(),
            words: Vec::new(),
            giving: BTreeMap::new(),
            next: self.log.first,
            last_id: 0,
            connected: None,
            lag: self.random.below(100),
            is_caught_up: false,
            ends: Vec::new(),
            reports: Vec::new(),
        };
        self.nodes[node].process = Some(process);
    }

    fn run(&mut self, node: usize) {
        self.connect(node);
        self.read(node);
        self.take_words(node);
        self.give(node);
        let here = self.here(node);
        let effects = self.member(node).tick(here);
        self.carry_out(node, effects);
    }

    fn process(&mut self, node: usize) -> &mut Process {
        self.nodes[node].process.as_mut().unwrap()
    }

    pub(super) fn member(&mut self, node: usize) -> &mut Member {
        &mut self.process(node).member
    }

    /// Notices breaks of the connection, and compares where the log is with what was read.
    fn connect(&mut self, node: usize) {
        let can = !self.nodes[node].is_cut && !self.log.is_away;
        let broken = self.log.broken;
        let process = self.process(node);
        let is_broken = process
            .connected
            .is_some_and(|since| !can || since <= broken);
        if is_broken {
            process.connected = None;
            process.is_caught_up = false;
            let here = self.here(node);
            let effects = self.member(node).broken(here);
            self.carry_out(node, effects);
        }
        if !can || self.process(node).connected.is_some() || self.now <= broken {
            return;
        }
        let now = self.now;
        let process = self.nodes[node].process.as_mut().unwrap();
        process.connected = Some(now);
        let (last, next, first) = (process.last_id, process.next, self.log.first);
        let is_same = next <= 1
            || next < first
            || last == 0
            || self.log.at(next - 1).is_some_and(|entry| entry.id == last);
        if !is_same {
            let here = self.here(node);
            let effects = self.member(node).went_back(here);
            self.carry_out(node, effects);
        }
    }

    fn read(&mut self, node: usize) {
        let Some(since) = self.process(node).connected else {
            return;
        };
        let (until, behind) = self.nodes[node].lags;
        let lag = if self.now < until {
            behind
        } else {
            self.process(node).lag
        };
        // It connects, and reads the first records some time later.
        if self.now < since + lag {
            return;
        }
        loop {
            let here = self.here(node);
            let process = self.nodes[node].process.as_mut().unwrap();
            if process.next < self.log.first && process.last_id > 0 {
                let effects = process.member.fell_behind(here);
                self.carry_out(node, effects);
                continue;
            }
            process.next = process.next.max(self.log.first);
            let Some(entry) = self
                .log
                .at(process.next)
                .filter(|entry| entry.at + lag <= self.now)
            else {
                break;
            };
            process.last_id = entry.id;
            let record = Record::decode(&entry.bytes);
            let number = process.next;
            process.next += 1;
            let effects = process.member.read(number, &record, here).unwrap();
            self.carry_out(node, effects);
        }
        let end = self.log.first + u64::try_from(self.log.entries.len()).unwrap();
        let process = self.process(node);
        if process.next == end && !process.is_caught_up {
            process.is_caught_up = true;
            let here = self.here(node);
            let effects = self.member(node).caught_up(here);
            self.carry_out(node, effects);
        }
    }

    pub(super) fn carry_out(&mut self, node: usize, effects: Vec<Effect>) {
        for effect in effects {
            if self.traces {
                println!("{:>7} {node} {effect:?}", self.now);
            }
            match effect {
                Effect::Append(command) => {
                    // What a node that is cut off says reaches nobody, or comes much later.
                    let is_cut = self.nodes[node].is_cut;
                    if is_cut && self.random.permille(900) {
                        continue;
                    }
                    let before = self.longest_delay;
                    if is_cut {
                        self.longest_delay = 60_000;
                    }
                    self.append(command);
                    self.longest_delay = before;
                }
                Effect::Keep(kept) => self.nodes[node].kept = Some(kept),
                Effect::Hold(shard, _) => {
                    self.process(node).own.insert(shard, (0..NAMES).collect());
                }
                Effect::Lose(shard) => {
                    let process = self.process(node);
                    process.own.remove(&shard);
                    process.giving.remove(&shard);
                }
                Effect::Give { shard, to, term } => {
                    let until = self.now + self.random.between(1_000, 6_000);
                    let process = self.process(node);
                    let left = process.own.get(&shard).cloned().unwrap_or_default();
                    process.giving.insert(
                        shard,
                        Giving {
                            to,
                            term,
                            left,
                            until,
                        },
                    );
                }
                Effect::Receive { shard, .. } => {
                    self.process(node).own.insert(shard, BTreeSet::new());
                }
                Effect::End(reason) => {
                    let process = self.process(node);
                    process.own.clear();
                    process.giving.clear();
                    process.ends.push(reason);
                }
                Effect::Reread => {
                    let first = self.log.first;
                    let process = self.process(node);
                    (process.next, process.last_id, process.is_caught_up) = (first, 0, false);
                }
                Effect::Purge(below) => self.purge(below),
                Effect::Report(report) => self.process(node).reports.push(report),
            }
        }
    }

    fn purge(&mut self, below: u64) {
        let end = self.log.first + u64::try_from(self.log.entries.len()).unwrap();
        // The order may come late, in another version of the log: then another node has read on.
        if below < end && below > self.log.first {
            let count = usize::try_from(below - self.log.first).unwrap();
            self.log.entries.drain(..count);
            self.log.first = below;
        }
    }

    /// Who may write for a name: its nodes, with their tokens.
    pub fn writers(&self, shard: ShardId, name: u8) -> Vec<(usize, BootId, Term)> {
        let mut writers = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(process) = node
                .process
                .as_ref()
                .filter(|_| self.now >= node.stopped_until)
            else {
                continue;
            };
            let owns = process
                .own
                .get(&shard)
                .is_some_and(|own| own.contains(&name));
            let until = process.member.write_until();
            let is_proven = until.is_some_and(|until| node.clocks(self.now).boot < until);
            if owns && is_proven {
                let (boot, term) = (process.member.boot(), process.member.term(shard));
                writers.push((at, boot.unwrap(), term.unwrap()));
            }
        }
        writers
    }

    fn check(&mut self, when: &str) {
        for shard in (0..SHARDS).map(ShardId::from) {
            for name in 0..NAMES {
                let writers = self.writers(shard, name);
                assert!(
                    writers.len() <= 1,
                    "{} ms, {when}: {shard}/{name} has {writers:?}",
                    self.now
                );
                let Some(&(_, boot, term)) = writers.first() else {
                    continue;
                };
                let highest = self.highest.entry((shard, name)).or_insert((term, boot));
                let is_higher = term > highest.0 || (term == highest.0 && boot == highest.1);
                assert!(
                    is_higher || self.has_gone_back,
                    "{} ms, {when}: {shard}/{name} is written by {boot} with {term}, and was by {highest:?}",
                    self.now
                );
                *highest = (term, boot);
            }
        }
    }

    /// Whether somebody may write for each name.
    pub fn is_whole(&self) -> bool {
        let all = (0..SHARDS)
            .map(ShardId::from)
            .flat_map(|shard| (0..NAMES).map(move |name| (shard, name)));
        all.into_iter()
            .all(|(shard, name)| !self.writers(shard, name).is_empty())
    }
}

impl World {
    /// The node that may write for the first name of the shard.
    pub fn writer(&self, shard: u32) -> Option<usize> {
        self.writers(shard.into(), 0)
            .first()
            .map(|(node, ..)| *node)
    }

    /// How many names of the shard the node may write for.
    pub fn names_of(&self, node: usize, shard: u32) -> usize {
        let writes = |name: &u8| {
            self.writers(shard.into(), *name)
                .iter()
                .any(|(at, ..)| *at == node)
        };
        (0..NAMES).filter(writes).count()
    }

    /// Whether a shard moves: its names may be on their way.
    pub fn moves(&self) -> bool {
        let mut processes = self.nodes.iter().filter_map(|node| node.process.as_ref());
        processes.any(|process| {
            process
                .member
                .places()
                .table()
                .any(|(_, shard)| shard.moving.is_some())
        })
    }
}
