use std::collections::{BTreeMap, BTreeSet};

use everwire::Message;
use jiff::Timestamp;

use super::*;
use crate::ack::Ack;

/// Random numbers from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

fn entry(epoch: u32, seq: u64) -> Entry {
    Entry {
        place: Place { epoch, seq },
        previous: None,
        at: Timestamp::UNIX_EPOCH,
        cursor: everwire::core::Cursor(0),
        subscription: None,
        message: Message::text(format!("{epoch}/{seq}")),
        gap: 0,
        is_spooled: false,
        was_published: false,
        was_refused: false,
    }
}

/// A stored message.
#[derive(Clone, Debug)]
struct Stored {
    place: Place,
    previous: Option<Place>,
    gap: u64,
}

/// A stream, the network to it, and a spool.
#[derive(Default)]
struct World {
    stream: BTreeMap<ConnectionName, Vec<(u64, Stored)>>,
    sequence: u64,
    /// Published messages that have not reached the stream yet.
    way: VecDeque<(LaneId, u64, ConnectionName, Option<u64>, Stored)>,
    /// Acknowledgements that have not arrived yet.
    acks: VecDeque<(LaneId, u64, Ack)>,
    asks: VecDeque<(LaneId, ConnectionName)>,
    spool: BTreeMap<(ConnectionName, Place), Entry>,
    /// So many messages of the next row that is loaded cannot be read.
    unreadable: usize,
    /// Messages that could not be read.
    unread: BTreeSet<(ConnectionName, Place)>,
    /// Messages that wait to be written into the spool.
    held: Vec<(LaneId, ConnectionName, Entry)>,
    dropped: BTreeMap<ConnectionName, u64>,
    published: u64,
    /// The number of earlier processes.
    processes: u32,
    /// The last place that each process left to the next, by the number of the next.
    handed: BTreeSet<(u32, ConnectionName, Place)>,
    /// The process that received each message.
    heard_by: BTreeMap<(ConnectionName, Place), u32>,
}

impl World {
    fn last(&self, name: &ConnectionName) -> Option<Last> {
        let (sequence, stored) = self.stream.get(name)?.last()?;
        Some(Last {
            place: Some(stored.place),
            sequence: *sequence,
        })
    }

    /// The first message in transit reaches the stream.
    fn arrive(&mut self, refuses: bool) {
        let Some((lane, number, name, expect, stored)) = self.way.pop_front() else {
            return;
        };
        let last = self.last(&name).map_or(0, |last| last.sequence);
        let ack = if refuses {
            Ack::Refused {
                code: 1,
                text: "no".into(),
            }
        } else if expect.is_some_and(|expect| expect != last) {
            Ack::OtherLast
        } else {
            self.sequence += 1;
            let list = self.stream.entry(name).or_default();
            list.push((self.sequence, stored));
            Ack::Stored {
                sequence: self.sequence,
                duplicate: false,
            }
        };
        self.acks.push_back((lane, number, ack));
    }

    /// The connection is lost: some messages in transit arrive, without an acknowledgement.
    fn lose(&mut self, chance: &mut Chance) {
        for _ in 0..chance.below(self.way.len() as u64 + 1) {
            self.arrive(false);
        }
        self.way.clear();
        self.acks.clear();
        self.asks.clear();
    }

    /// Writes the held messages into the spool.
    fn write(&mut self, lanes: &mut Lanes) {
        for (lane, name, entry) in self.held.drain(..) {
            self.spool.insert((name, entry.place), entry);
            lanes.spooled(lane);
        }
    }

    /// The held messages cannot be written. Returns them.
    fn fail_to_write(&mut self, lanes: &mut Lanes) -> Vec<(ConnectionName, Place)> {
        let held = std::mem::take(&mut self.held).into_iter().rev();
        let lost = held.map(|(lane, name, entry)| {
            lanes.not_spooled(lane, &entry);
            (name, entry.place)
        });
        lost.collect()
    }

    /// Ends a process in an orderly way, and starts the next one.
    fn next_process(&mut self, mut lanes: Lanes, limits: Limits) -> Lanes {
        self.write(&mut lanes);
        for (name, entry) in lanes.drain() {
            self.spool.insert((name, entry.place), entry);
        }
        let mut next = Lanes::new(limits);
        let mut left: BTreeMap<ConnectionName, (u64, Place)> = BTreeMap::new();
        for (name, place) in self.spool.keys() {
            let (rows, last) = left.entry(name.clone()).or_insert((0, *place));
            (*rows, *last) = (*rows + 1, *place);
        }
        for (name, (rows, last)) in left {
            self.handed.insert((self.processes, name.clone(), last));
            next.recall(name, rows, last);
        }
        next
    }

    fn act(&mut self, action: Action, lanes: &mut Lanes, now: Instant) {
        match action {
            Action::Ask(lane, name) => self.asks.push_back((lane, name)),
            Action::Publish {
                lane,
                number,
                expect,
                gap,
                name,
                entry,
            } => {
                self.published += 1;
                let stored = Stored {
                    place: entry.place,
                    previous: entry.previous,
                    gap,
                };
                self.way.push_back((lane, number, name, expect, stored));
            }
            Action::Load(lane, name, behind) => {
                self.write(lanes);
                let rows = self
                    .spool
                    .iter()
                    .filter(|((of, place), _)| *of == name && Some(*place) > behind);
                let rows: Vec<_> = rows.map(|(_, entry)| entry.clone()).take(5).collect();
                let lost = std::mem::take(&mut self.unreadable).min(rows.len());
                if lost == 0 {
                    return lanes.loaded(lane, Some(rows), now);
                }
                for row in &rows[..lost] {
                    let key = (name.clone(), row.place);
                    self.spool.remove(&key);
                    self.unread.insert(key);
                }
                lanes.unreadable(lane, lost as u64);
            }
            Action::Forget(name, through, count) => {
                let before = self.spool.len();
                self.spool
                    .retain(|(of, place), _| *of != name || *place > through);
                assert_eq!(
                    (before - self.spool.len()) as u64,
                    count,
                    "{name} {through}"
                );
            }
            Action::Dropped(name, count, _) => *self.dropped.entry(name).or_default() += count,
            Action::Raise(..) => panic!("no other process publishes"),
            Action::Refused(..) => {}
        }
    }
}

/// Messages of several names over connections that are lost, with streams that refuse, through a
/// small spool.
fn life(seed: u64) -> u64 {
    let mut chance = Chance(seed);
    let window = [1, 4, 64][chance.below(3) as usize];
    let limits = Limits {
        memory: 300 * (5 + chance.below(40) as usize),
        in_flight: 1 + chance.below(30) as usize,
        asks: 1 + chance.below(3) as usize,
        ack_timeout: Duration::from_secs(5),
    };
    let mut lanes = Lanes::new(limits);
    let mut world = World::default();
    let names = [name("a"), name("b"), name("c")];
    let mut heard: BTreeMap<ConnectionName, BTreeSet<Place>> = BTreeMap::new();
    let mut now = Instant::now();
    let mut seq = 0;
    let steps = 400;
    for step in 0.. {
        let is_over = step > steps;
        now += Duration::from_millis(chance.below(400));
        match chance.below(15) {
            0..=4 if !is_over => {
                let of = &names[chance.below(3) as usize];
                seq += 1 + chance.below(2);
                let epoch = 1 + world.processes + u32::try_from(seq / 200).unwrap();
                let has_spool = world.spool.len() + world.held.len() < 40;
                match lanes.push(of, entry(epoch, seq), has_spool) {
                    Taken::Dropped => {}
                    taken => {
                        let heard_by = world.processes;
                        world
                            .heard_by
                            .insert((of.clone(), Place { epoch, seq }), heard_by);
                        heard
                            .entry(of.clone())
                            .or_default()
                            .insert(Place { epoch, seq });
                        if let Taken::Spool(id, entry) = taken {
                            world.held.push((id, of.clone(), entry));
                        }
                    }
                }
            }
            5 if lanes.window.is_none() => lanes.connected(window),
            // With more than one in flight, a stream that refuses refuses all.
            6 => world.arrive(!is_over && window == 1 && chance.one_in(6)),
            7 => {
                if let Some((lane, number, ack)) = world.acks.pop_front() {
                    lanes.acked(lane, number, ack, now);
                }
            }
            8 => {
                if let Some((lane, name)) = world.asks.pop_front() {
                    lanes.answered(lane, Ok(world.last(&name)), now);
                }
            }
            9 if !is_over && chance.one_in(4) => {
                world.lose(&mut chance);
                lanes.disconnected();
            }
            10 => lanes.tick(now),
            11 if !is_over && chance.one_in(8) => {
                world.processes += 1;
                world.lose(&mut chance);
                lanes = world.next_process(lanes, limits);
            }
            12 => world.write(&mut lanes),
            14 if !is_over => world.unreadable = chance.below(4) as usize,
            13 if !is_over && chance.one_in(3) => {
                for (of, place) in world.fail_to_write(&mut lanes) {
                    heard.entry(of).or_default().remove(&place);
                }
            }
            _ => {}
        }
        while let Some(action) = lanes.next(now) {
            world.act(action, &mut lanes, now);
        }
        if is_over && lanes.pending() == 0 {
            break;
        }
        assert!(
            step < 100_000,
            "seed {seed}: it does not come to an end: {lanes:#?}"
        );
    }
    assert_eq!((lanes.memory, lanes.in_flight()), (0, 0), "seed {seed}");
    assert!(world.spool.is_empty(), "seed {seed}");
    for of in &names {
        let mut read = BTreeSet::new();
        let mut highest: Option<Place> = None;
        let mut gaps = 0;
        for (_, stored) in world.stream.get(of).into_iter().flatten() {
            if Some(stored.place) <= highest {
                continue;
            }
            assert!(
                stored.previous <= highest.max(stored.previous),
                "seed {seed}"
            );
            // A new process knows only the messages in its spool.
            let is_anew = highest.is_none_or(|highest| {
                let process = world.heard_by[&(of.clone(), stored.place)];
                let is_handed = world.handed.contains(&(process, of.clone(), highest));
                highest.epoch < stored.place.epoch && !is_handed
            });
            // With nothing in the stream, `previous` alone shows what an earlier process could not read.
            let is_unread = |previous| world.unread.contains(&(of.clone(), previous));
            let is_shown = highest.is_none() && stored.previous.is_some_and(is_unread);
            assert!(
                stored.previous == highest || (stored.previous.is_none() && is_anew) || is_shown,
                "seed {seed}: a hole before {} of {of}: {stored:?} behind {highest:?}",
                stored.place
            );
            highest = Some(stored.place);
            // An earlier process may not have told how many.
            gaps += if stored.gap == UNKNOWN_GAP {
                0
            } else {
                stored.gap
            };
            read.insert(stored.place);
        }
        let mut expected = heard.remove(of).unwrap_or_default();
        // What could not be read may have been in the stream already.
        expected
            .retain(|place| read.contains(place) || !world.unread.contains(&(of.clone(), *place)));
        assert_eq!(read, expected, "seed {seed}: {of}");
        let dropped = world.dropped.get(of).copied().unwrap_or_default();
        assert!(gaps <= dropped, "seed {seed}");
    }
    world.published
}

#[test]
fn a_reader_has_all_in_order_whatever_is_lost_on_the_way() {
    let published: u64 = (0..2000).map(life).sum();
    assert!(published > 100_000, "{published}");
}

fn published(lanes: &mut Lanes, now: Instant) -> Vec<(LaneId, u64, u64, Entry, Option<u64>)> {
    let next = std::iter::from_fn(|| lanes.next(now));
    let published = next.filter_map(|action| match action {
        Action::Publish {
            lane,
            number,
            gap,
            entry,
            expect,
            ..
        } => Some((lane, number, gap, entry, expect)),
        _ => None,
    });
    published.collect()
}

/// Prepares a lane that may publish: the stream has nothing of it.
fn open(lanes: &mut Lanes, of: &ConnectionName, now: Instant) {
    lanes.connected(64);
    let Some(Action::Ask(lane, asked)) = lanes.next(now) else {
        panic!("the stream is not asked");
    };
    assert_eq!(asked, *of);
    lanes.answered(lane, Ok(None), now);
}

#[test]
fn a_name_that_is_not_let_through_goes_again_later_and_others_go_on() {
    let (now, a, b) = (Instant::now(), name("a"), name("b"));
    let mut lanes = Lanes::new(Limits::default());
    lanes.push(&a, entry(1, 1), false);
    open(&mut lanes, &a, now);
    assert_eq!(published(&mut lanes, now).len(), 1);
    lanes.denied(&a, "no", now);
    lanes.denied(&a, "no", now);
    assert_eq!((lanes.in_flight(), lanes.pending_of(&a)), (0, 1));
    lanes.push(&b, entry(1, 1), false);
    let mut asked = Vec::new();
    let mut refused = 0;
    while let Some(action) = lanes.next(now) {
        match action {
            Action::Ask(lane, name) => asked.push((lane, name)),
            Action::Refused(name, text) => {
                assert_eq!((name, &*text), (a.clone(), "no"));
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((asked.len(), refused), (2, 1));
    for (lane, _) in asked {
        lanes.answered(lane, Ok(None), now);
    }
    assert_eq!(published(&mut lanes, now).len(), 2);
}

#[test]
fn what_is_not_in_the_spool_is_told_by_the_next_message() {
    let (now, a) = (Instant::now(), name("a"));
    let limits = Limits {
        memory: 0,
        ..Limits::default()
    };
    let mut lanes = Lanes::new(limits);
    assert_eq!(lanes.push(&a, entry(1, 1), false), Taken::Dropped);
    let mut spooled = Vec::new();
    for seq in [2, 3] {
        let Taken::Spool(lane, entry) = lanes.push(&a, entry(1, seq), true) else {
            panic!("it is not for the spool");
        };
        spooled.push((lane, entry));
    }
    for (lane, entry) in spooled.iter().rev() {
        lanes.not_spooled(*lane, entry);
    }
    assert_eq!(lanes.pending(), 0);
    let Taken::Spool(_, next) = lanes.push(&a, entry(1, 4), true) else {
        panic!("it is not for the spool");
    };
    assert_eq!((next.gap, next.previous), (3, None));
    let dropped = std::iter::from_fn(|| lanes.next(now)).count();
    assert_eq!(dropped, 3);
}

#[test]
fn a_message_that_is_too_large_proves_nothing() {
    let (now, a) = (Instant::now(), name("a"));
    let mut lanes = Lanes::new(Limits::default());
    for seq in 1..=3 {
        lanes.push(&a, entry(1, seq), false);
    }
    open(&mut lanes, &a, now);
    let first = published(&mut lanes, now);
    assert_eq!((first.len(), first[0].4), (1, Some(0)));
    lanes.acked(first[0].0, first[0].1, Ack::TooLarge, now);
    let second = published(&mut lanes, now);
    assert_eq!((second.len(), second[0].4, second[0].2), (1, Some(0), 1));
}

#[test]
fn a_message_that_is_too_large_leaves_the_spool_behind_those_before_it() {
    let (now, a) = (Instant::now(), name("a"));
    let mut lanes = Lanes::new(Limits::default());
    let spooled = |seq| Entry {
        is_spooled: true,
        ..entry(1, seq)
    };
    for seq in 1..=4 {
        lanes.push(&a, spooled(seq), false);
    }
    open(&mut lanes, &a, now);
    let stored = |sequence| Ack::Stored {
        sequence,
        duplicate: false,
    };
    let forgotten = |actions: &[Action]| -> Vec<(u64, u64)> {
        let forgotten = actions.iter().filter_map(|action| match action {
            Action::Forget(_, through, count) => Some((through.seq, *count)),
            _ => None,
        });
        forgotten.collect()
    };
    let first = published(&mut lanes, now);
    lanes.acked(first[0].0, first[0].1, stored(1), now);
    let rest = published(&mut lanes, now);
    assert_eq!(rest.len(), 3);
    // The second one may be lost; the third and the fourth can never be stored.
    for message in &rest[1..] {
        lanes.acked(message.0, message.1, Ack::TooLarge, now);
    }
    lanes.acked(rest[0].0, rest[0].1, Ack::OtherLast, now);
    let actions: Vec<_> = std::iter::from_fn(|| lanes.next(now)).collect();
    assert_eq!(forgotten(&actions), [], "the second one is in memory alone");
    let asked = actions.iter().find_map(|action| match action {
        Action::Ask(lane, _) => Some(*lane),
        _ => None,
    });
    let lane = asked.expect("a question after the refusal");
    let last = Last {
        place: Some(Place { epoch: 1, seq: 1 }),
        sequence: 1,
    };
    lanes.answered(lane, Ok(Some(last)), now);
    let again = published(&mut lanes, now);
    assert_eq!((again.len(), again[0].3.place.seq), (1, 2));
    lanes.acked(again[0].0, again[0].1, stored(2), now);
    let actions: Vec<_> = std::iter::from_fn(|| lanes.next(now)).collect();
    assert_eq!(forgotten(&actions), [(4, 3)]);
}
