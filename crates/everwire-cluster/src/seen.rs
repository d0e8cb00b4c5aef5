//! What this node has seen in the log, and the state has no more: who held a shard before, and how
//! that boot ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use everwire_proto::placement::{BootId, Command, Places, Record, ShardId};
use jiff::Timestamp;
use serde::Serialize;

/// How many shards came to this node from another one, by why they came. The sum over all nodes is
/// the number of moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Moves {
    /// This node got its share: it joined, or its share became larger.
    pub join: u64,
    /// Their holder was drained.
    pub drain: u64,
    /// Their holder left in order.
    pub leave: u64,
    /// Their holder was lost: others saw no sign of life of it, or it began anew after a crash.
    pub lost: u64,
}

/// The node that held a shard last, while nobody holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Former {
    /// The node.
    pub node: Box<str>,
    /// For how many seconds its boot has ended; `None` if that is not known, or if it lives
    /// and has released the shard.
    pub ended_seconds_ago: Option<f64>,
    /// Whether it left in order.
    pub has_left: bool,
}

impl Former {
    /// A node that no longer holds the shard.
    pub fn new(node: &str) -> Self {
        Self {
            node: node.into(),
            ended_seconds_ago: None,
            has_left: false,
        }
    }
}

/// What was seen. Bounded by the state of the log: a boot stays while it lives, or while a shard
/// names it as its last holder.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    boots: BTreeMap<BootId, Boot>,
    shards: BTreeMap<ShardId, Holding>,
    pub moves: Moves,
    /// The last record that was seen.
    applied: u64,
}

/// A boot that lives, or has lived.
#[derive(Debug)]
struct Boot {
    node: Box<str>,
    drains: bool,
    ended: Option<End>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    at: Duration,
    has_left: bool,
}

/// A shard and its last holder.
#[derive(Clone, Copy, Debug)]
struct Holding {
    boot: BootId,
    /// When it got it; `None` if this node was not there.
    since: Option<Timestamp>,
}

/// A moment at which the log was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// By the boot clock.
    pub boot: Duration,
    /// For people; `None` while old records are read.
    pub wall: Option<Timestamp>,
}

impl Seen {
    /// Looks at the state after a record. `me` is this node's boot.
    pub fn look(&mut self, record: &Record, places: &Places, me: Option<BootId>, now: Moment) {
        if places.applied() < self.applied {
            // The log is read again from its beginning.
            let moves = self.moves;
            *self = Self {
                moves,
                ..Self::default()
            };
        }
        self.applied = places.applied();
        if changes_nothing(record) {
            return;
        }
        let leaves = match record {
            Record::Command(Command::Leave { boot }) => Some(*boot),
            _ => None,
        };
        self.look_at_boots(places, leaves, now);
        for (shard, state) in places.table() {
            if let Some((boot, _)) = state.holder {
                self.look_at_holder(shard, boot, me, now);
            }
        }
        self.forget();
    }

    /// Since when a shard's last holder has it; `None` if this node was not there.
    pub fn since(&self, shard: ShardId) -> Option<Timestamp> {
        self.shards.get(&shard)?.since
    }

    /// Who held a shard last; `None` if nobody ever did.
    pub fn former(&self, shard: ShardId, now: Duration) -> Option<Former> {
        let holding = self.shards.get(&shard)?;
        let boot = self.boots.get(&holding.boot)?;
        let ago = |end: End| now.saturating_sub(end.at).as_secs_f64();
        Some(Former {
            node: boot.node.clone(),
            ended_seconds_ago: boot.ended.map(ago),
            has_left: boot.ended.is_some_and(|end| end.has_left),
        })
    }

    fn look_at_boots(&mut self, places: &Places, leaves: Option<BootId>, now: Moment) {
        for (id, boot) in places.boots() {
            let seen = self.boots.entry(id).or_insert_with(|| Boot {
                node: boot.node.clone(),
                drains: false,
                ended: None,
            });
            seen.drains = boot.drains;
        }
        for (id, boot) in &mut self.boots {
            if boot.ended.is_none() && places.boot(*id).is_none() {
                let has_left = leaves == Some(*id);
                boot.ended = Some(End {
                    at: now.boot,
                    has_left,
                });
            }
        }
    }

    fn look_at_holder(&mut self, shard: ShardId, boot: BootId, me: Option<BootId>, now: Moment) {
        let holding = Holding {
            boot,
            since: now.wall,
        };
        let Some(before) = self.shards.get_mut(&shard) else {
            self.shards.insert(shard, holding);
            return;
        };
        if before.boot == boot {
            return;
        }
        let from = std::mem::replace(before, holding).boot;
        if me == Some(boot) {
            self.count(from, boot);
        }
    }

    fn count(&mut self, from: BootId, to: BootId) {
        let (Some(from), Some(to)) = (self.boots.get(&from), self.boots.get(&to)) else {
            return;
        };
        if from.node == to.node {
            // A restart of this node.
            return;
        }
        let moves = &mut self.moves;
        let counted = match from.ended {
            None if from.drains => &mut moves.drain,
            None => &mut moves.join,
            Some(End { has_left: true, .. }) => &mut moves.leave,
            Some(_) => &mut moves.lost,
        };
        *counted += 1;
    }

    fn forget(&mut self) {
        if self.boots.values().all(|boot| boot.ended.is_none()) {
            return;
        }
        let named: BTreeSet<_> = self.shards.values().map(|holding| holding.boot).collect();
        self.boots
            .retain(|id, boot| boot.ended.is_none() || named.contains(id));
    }
}

/// Most records at rest are such.
fn changes_nothing(record: &Record) -> bool {
    matches!(
        record,
        Record::Newer(_)
            | Record::Unreadable
            | Record::Command(Command::Renew { .. } | Command::Close { .. } | Command::Open { .. })
    )
}

#[cfg(test)]
mod tests {
    use everwire_proto::placement::{Join, ShardSet};

    use super::*;

    /// A log, and who reads it.
    #[derive(Default)]
    struct Reader {
        places: Places,
        seen: Seen,
        now: u64,
    }

    const A: BootId = BootId::new(1);
    const B: BootId = BootId::new(2);
    const ME: Option<BootId> = Some(B);

    impl Reader {
        /// Two nodes and one shard, which the first one holds.
        fn of_two() -> Self {
            let mut reader = Self::default();
            reader.read(Command::Create { shards: 1 });
            for (boot, node) in [(A, "a"), (B, "b")] {
                reader.read(Command::Join(Join::new(boot, node, 1)));
                reader.read(Command::Settle { boot });
            }
            reader.claims(A);
            reader
        }

        fn read(&mut self, command: Command) {
            self.now += 1;
            let number = self.places.applied() + 1;
            self.places.apply(number, &command).unwrap();
            let now = Moment {
                boot: Duration::from_secs(self.now),
                wall: Timestamp::from_second(i64::try_from(self.now).unwrap()).ok(),
            };
            self.seen
                .look(&Record::Command(command), &self.places, ME, now);
        }

        fn claims(&mut self, boot: BootId) {
            let mut shards = ShardSet::default();
            shards.insert(shard());
            self.read(Command::Claim {
                boot,
                shards,
                seen: Vec::new(),
            });
        }

        fn moves(&mut self) {
            let shard = shard();
            self.read(Command::Move {
                boot: A,
                shard,
                to: B,
            });
            let term = self.places.shard(shard).unwrap().moving.unwrap().term;
            self.read(Command::Moved {
                boot: A,
                shard,
                term,
            });
        }
    }

    fn shard() -> ShardId {
        ShardId::new(0, 1, 0)
    }

    #[test]
    fn the_first_holder_of_a_shard_got_it_by_no_move() {
        let mut reader = Reader::of_two();
        assert_eq!(reader.seen.moves, Moves::default());
        // Of other nodes' shards none is counted here.
        reader.read(Command::Leave { boot: A });
        assert_eq!(reader.seen.moves, Moves::default());
    }

    #[test]
    fn a_move_is_counted_by_what_became_of_the_holder_before() {
        type Do = fn(&mut Reader);
        let cases: [(Do, Moves); 4] = [
            (
                Reader::moves,
                Moves {
                    join: 1,
                    ..Moves::default()
                },
            ),
            (
                |reader| {
                    reader.read(Command::Drain { boot: A });
                    reader.moves();
                },
                Moves {
                    drain: 1,
                    ..Moves::default()
                },
            ),
            (
                |reader| {
                    reader.read(Command::Leave { boot: A });
                    reader.claims(B);
                },
                Moves {
                    leave: 1,
                    ..Moves::default()
                },
            ),
            (
                |reader| {
                    reader.read(Command::Suspect {
                        by: B,
                        boot: A,
                        number: 0,
                    });
                    reader.claims(B);
                },
                Moves {
                    lost: 1,
                    ..Moves::default()
                },
            ),
        ];
        for (act, expected) in cases {
            let mut reader = Reader::of_two();
            act(&mut reader);
            let holder = reader.places.shard(shard()).unwrap().holder;
            assert_eq!(holder.map(|(boot, _)| boot), ME);
            assert_eq!(reader.seen.moves, expected);
        }
    }

    #[test]
    fn it_is_known_who_held_a_free_shard_and_since_when_it_is_held_again() {
        let mut reader = Reader::of_two();
        let since = |reader: &Reader| reader.seen.since(shard()).unwrap().as_second();
        assert_eq!(since(&reader), 6);
        reader.read(Command::Leave { boot: A });
        let former = reader.seen.former(shard(), Duration::from_secs(12));
        let expected = Former {
            node: "a".into(),
            ended_seconds_ago: Some(5.0),
            has_left: true,
        };
        assert_eq!(former, Some(expected));
        reader.claims(B);
        assert_eq!(since(&reader), 8);
        // Nobody needs the boot that has ended.
        assert!(reader.seen.boots.keys().eq([&B]));
    }

    #[test]
    fn a_log_that_is_read_again_moves_nothing() {
        let mut reader = Reader::of_two();
        reader.moves();
        let moves = reader.seen.moves;
        let seen = std::mem::take(&mut reader.seen);
        let mut again = Reader {
            seen,
            ..Reader::default()
        };
        again.read(Command::Create { shards: 1 });
        assert!(again.seen.shards.is_empty() && again.seen.boots.is_empty());
        assert_eq!(again.seen.moves, moves);
    }
}
