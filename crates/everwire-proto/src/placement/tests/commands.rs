//! What each command does to the state.

use super::super::{
    BootId, Change, Command, EndedBy, Join, Labels, MAX_CLOSED_BYTES, MAX_ENDED, MAX_PLACES,
    Moving, OutOfOrder, Outcome, Places, Record, ShardId, ShardSet, Term, Void,
};
use crate::settings::ConnectionName;

const A: BootId = BootId::new(0xa);
const B: BootId = BootId::new(0xb);
const C: BootId = BootId::new(0xc);

/// A log, and the state after it.
#[derive(Default)]
pub struct Log {
    pub places: Places,
    pub number: u64,
}

impl Log {
    /// A cluster of four shards with these boots, each on a node of its own.
    fn of(boots: &[BootId]) -> Self {
        let mut log = Self::default();
        log.says(Command::Create { shards: 4 }).unwrap();
        for boot in boots {
            log.says(Command::Join(Join::new(*boot, &boot.to_string(), 4)))
                .unwrap();
        }
        log
    }

    pub fn says(&mut self, command: Command) -> Result<Vec<Change>, Void> {
        self.number += 1;
        match self.places.apply(self.number, &command).unwrap() {
            Outcome::Applied(changes) => Ok(changes),
            Outcome::Void(void) => Err(void),
        }
    }

    fn claims(&mut self, boot: BootId, shards: &[u32]) -> Result<Vec<Change>, Void> {
        self.says(Command::Claim {
            boot,
            shards: set(shards),
            seen: Vec::new(),
        })
    }

    /// Who holds the shard, with which token.
    fn holder(&self, shard: u32) -> Option<(BootId, u16)> {
        let holder = self.places.shard(shard.into()).unwrap().holder?;
        Some((holder.0, holder.1.get()))
    }
}

fn set(shards: &[u32]) -> ShardSet {
    shards.iter().copied().map(ShardId::from).collect()
}

fn taken(shard: u32, boot: BootId, term: u16) -> Change {
    Change::Taken {
        shard: shard.into(),
        boot,
        term: Term::new(term),
    }
}

fn release(term: u16) -> Command {
    Command::Release {
        boot: A,
        shards: vec![(0.into(), Term::new(term))],
    }
}

pub fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

#[test]
fn the_first_claim_in_the_log_holds() {
    let mut log = Log::of(&[A, B]);
    assert_eq!(
        log.claims(B, &[1, 2]),
        Ok(vec![taken(1, B, 1), taken(2, B, 1)])
    );
    assert_eq!(log.claims(A, &[2]), Err(Void::NotFree));
    // Of what it wants it gets what is free.
    assert_eq!(log.claims(A, &[2, 3]), Ok(vec![taken(3, A, 1)]));
    assert_eq!(
        log.claims(A, &[4]),
        Err(Void::NotFree),
        "there is no such shard"
    );
    assert_eq!(log.claims(C, &[0]), Err(Void::NotAlive(C)));
}

#[test]
fn a_suspicion_counts_only_without_a_later_renewal() {
    let mut log = Log::of(&[A, B]);
    log.claims(A, &[0]).unwrap();
    let suspect = |number| Command::Suspect {
        by: B,
        boot: A,
        number,
    };
    log.says(Command::Renew { boot: A, number: 3 }).unwrap();
    assert_eq!(
        log.says(Command::Renew { boot: A, number: 3 }),
        Err(Void::Later(3))
    );
    assert_eq!(
        log.says(Command::Renew { boot: A, number: 2 }),
        Err(Void::Later(3))
    );
    assert_eq!(log.says(suspect(2)), Err(Void::Later(3)));
    let ended = log.says(suspect(3)).unwrap();
    assert!(matches!(
        ended[..],
        [
            Change::Ended {
                boot: A,
                by: EndedBy::Suspicion(B),
                ..
            },
            Change::Freed(_)
        ]
    ));
    // It never lives again.
    assert_eq!(
        log.says(Command::Renew { boot: A, number: 4 }),
        Err(Void::NotAlive(A))
    );
    assert_eq!(
        log.says(Command::Join(Join::new(A, "a", 4))),
        Err(Void::Known(A))
    );
    assert_eq!(log.claims(B, &[0]), Ok(vec![taken(0, B, 2)]));
}

#[test]
fn a_node_has_one_boot_and_its_successor_inherits_what_was_whole() {
    let mut log = Log::of(&[A, B]);
    log.claims(A, &[0, 1, 2]).unwrap();
    log.says(Command::Move {
        boot: A,
        shard: 2.into(),
        to: B,
    })
    .unwrap();
    let join = |succeeds, inherits: &[u32]| {
        let node = A.to_string();
        Command::Join(Join {
            succeeds,
            inherits: set(inherits),
            ..Join::new(C, &node, 4)
        })
    };
    assert_eq!(log.says(join(None, &[0])), Err(Void::NodeTaken(A)));
    assert_eq!(log.says(join(Some(B), &[0])), Err(Void::NodeTaken(A)));
    let changes = log.says(join(Some(A), &[0, 2, 3])).unwrap();
    assert!(
        matches!(
            &changes[..],
            [Change::Joined(C), Change::Ended { boot: A, by: EndedBy::Successor(C), .. }, Change::Freed(_), moved, inherited]
                if *moved == taken(2, B, 2) && *inherited == taken(0, C, 2)
        ),
        "{changes:?}"
    );
    assert_eq!(
        [0, 1, 2, 3].map(|shard| log.holder(shard)),
        [Some((C, 2)), None, Some((B, 2)), None]
    );
}

#[test]
fn a_move_draws_the_token_of_who_gets_it() {
    let mut log = Log::of(&[A, B, C]);
    let moves = |boot, to| Command::Move {
        boot,
        shard: 0.into(),
        to,
    };
    assert_eq!(log.says(moves(A, B)), Err(Void::NotHolder(0.into())));
    log.claims(A, &[0]).unwrap();
    assert_eq!(log.says(moves(A, A)), Err(Void::Unchanged));
    assert_eq!(
        log.says(moves(A, BootId::new(9))),
        Err(Void::NotAlive(BootId::new(9)))
    );
    assert_eq!(
        log.says(Command::Moved {
            boot: A,
            shard: 0.into(),
            term: Term::new(2)
        }),
        Err(Void::DoesNotMove(0.into()))
    );
    let term = Term::new(2);
    assert_eq!(
        log.says(moves(A, B)),
        Ok(vec![Change::Moves {
            shard: 0.into(),
            from: A,
            to: B,
            term
        }])
    );
    assert_eq!(log.says(moves(A, C)), Err(Void::Moves(0.into())));
    assert_eq!(log.holder(0), Some((A, 1)), "until all names have crossed");
    assert_eq!(log.says(release(1)), Err(Void::NotHolder(0.into())));
    assert_eq!(
        log.says(Command::Moved {
            boot: B,
            shard: 0.into(),
            term: Term::new(2)
        }),
        Err(Void::NotHolder(0.into()))
    );
    // The end of a move that comes late says nothing about the next one.
    let moved = |term| Command::Moved {
        boot: A,
        shard: 0.into(),
        term: Term::new(term),
    };
    assert_eq!(log.says(moved(1)), Err(Void::DoesNotMove(0.into())));
    assert_eq!(log.says(moved(2)), Ok(vec![taken(0, B, 2)]));
}

#[test]
fn a_move_survives_the_end_of_either() {
    for ends in [A, B] {
        let mut log = Log::of(&[A, B]);
        log.claims(A, &[0]).unwrap();
        log.says(Command::Move {
            boot: A,
            shard: 0.into(),
            to: B,
        })
        .unwrap();
        let changes = log.says(Command::Leave { boot: ends }).unwrap();
        // Names that crossed are under token 2: who gets them back needs a higher one.
        let expected = if ends == A {
            taken(0, B, 2)
        } else {
            taken(0, A, 3)
        };
        assert_eq!(changes[1..], [expected]);
        assert_eq!(log.places.shard(0.into()).unwrap().moving, None::<Moving>);
    }
}

#[test]
fn a_token_is_above_what_the_claimer_has_seen() {
    let mut log = Log::of(&[A]);
    let claim = |seen| Command::Claim {
        boot: A,
        shards: set(&[0]),
        seen: vec![(0.into(), Term::new(seen))],
    };
    assert_eq!(log.says(claim(6)), Ok(vec![taken(0, A, 7)]));
    assert_eq!(
        log.says(release(6)),
        Err(Void::NotHolder(0.into())),
        "it comes late"
    );
    assert_eq!(log.says(release(7)), Ok(vec![Change::Freed(0.into())]));
    assert_eq!(log.says(claim(2)), Ok(vec![taken(0, A, 8)]));
    log.says(release(8)).unwrap();
    assert_eq!(
        log.says(claim(u16::MAX)),
        Err(Void::NotFree),
        "there is no token above"
    );
    assert_eq!(Term::new(u16::MAX).epoch(u16::MAX), u32::MAX);
}

#[test]
fn nothing_counts_before_the_log_begins_and_records_follow_each_other() {
    let mut places = Places::default();
    let outcome = places.apply(1, &Command::Join(Join::new(A, "a", 4)));
    assert_eq!(outcome, Ok(Outcome::Void(Void::NotCreated)));
    let create = |shards| Command::Create { shards };
    for shards in [0, 16_385] {
        assert_eq!(
            Log::default().says(create(shards)),
            Err(Void::Shards(shards))
        );
    }
    assert_eq!(
        places.apply(3, &create(4)),
        Err(OutOfOrder {
            applied: 1,
            given: 3
        })
    );
    assert_eq!(
        places.apply(2, &create(4)),
        Ok(Outcome::Applied(vec![Change::Created]))
    );
    assert_eq!(
        places.apply(3, &create(8)),
        Ok(Outcome::Void(Void::AlreadyCreated))
    );
    let other = places.apply(4, &Command::Join(Join::new(A, "a", 8)));
    assert_eq!(
        other,
        Ok(Outcome::Void(Void::OtherShards {
            cluster: 4,
            node: 8
        }))
    );
    assert_eq!(places.pass(5), Ok(Outcome::Void(Void::Unreadable)));
}

/// Whoever has read what is missing takes the record for void.
#[test]
fn a_log_whose_beginning_is_missing_begins_with_a_snapshot_alone() {
    let whole = Log::of(&[A, B]);
    let mut late = Places::default();
    let first = whole.places.applied() + 1;
    late.apply(first, &Command::Settle { boot: A }).unwrap();
    assert_eq!(
        late.apply(first + 1, &Command::Create { shards: 4 }),
        Ok(Outcome::Void(Void::NoBeginning))
    );
    assert_eq!(late.shards(), 0);
    let mut places = whole.places;
    places.apply(first, &Command::Settle { boot: A }).unwrap();
    places
        .apply(first + 1, &Command::Create { shards: 4 })
        .unwrap();
    let snapshot = Command::Snapshot(Box::new(places.snapshot()));
    for state in [&mut places, &mut late] {
        let outcome = state.apply(first + 2, &snapshot).unwrap();
        assert_eq!(outcome.changes(), [Change::Snapshot]);
    }
    assert!(places.is_same(&late));
}

#[test]
fn what_grows_is_bounded() {
    let mut log = Log::of(&[A]);
    let labels = |at: usize| [("at", at.to_string())].into_iter().collect::<Labels>();
    for at in 1..MAX_PLACES {
        log.says(Command::Place { labels: labels(at) }).unwrap();
    }
    assert_eq!(
        log.says(Command::Place { labels: labels(1) }),
        Err(Void::Unchanged)
    );
    assert_eq!(
        log.says(Command::Place {
            labels: labels(MAX_PLACES)
        }),
        Err(Void::TooManyPlaces)
    );
    assert_eq!(
        log.places.shard_of("a", &labels(3)),
        Some(ShardId::new(3, 4, 0xe40c_292c % 4))
    );
    assert_eq!(log.places.shard_of("a", &labels(MAX_PLACES)), None);

    let mut bytes = 0;
    let close = |at: u64| Command::Close {
        boot: A,
        name: name(&format!("{at:0>128}")),
    };
    let refused = (0..).find_map(|at| {
        let refused = log.says(close(at)).err();
        bytes += if refused.is_none() { 131 } else { 0 };
        refused
    });
    assert_eq!(refused, Some(Void::TooManyClosed));
    assert!(
        (MAX_CLOSED_BYTES - 131..=MAX_CLOSED_BYTES).contains(&bytes),
        "{bytes}"
    );
    let Command::Close { name, .. } = close(7) else {
        unreachable!()
    };
    assert!(log.places.is_closed(&name));
    assert_eq!(
        log.says(Command::Open {
            boot: A,
            name: name.clone()
        }),
        Ok(vec![Change::Opened(name.clone())])
    );
    assert!(!log.places.is_closed(&name) && log.says(close(7)).is_ok());

    for boot in (100..).map(BootId::new).take(MAX_ENDED + 1) {
        log.says(Command::Join(Join::new(boot, "other", 4)))
            .unwrap();
        log.says(Command::Leave { boot }).unwrap();
    }
    assert!(!log.places.has_ended(BootId::new(100)) && log.places.has_ended(BootId::new(101)));
}

#[test]
fn a_snapshot_that_is_late_or_another_state_is_void() {
    let mut log = Log::of(&[A]);
    let before = log.places.snapshot();
    log.says(Command::Renew { boot: A, number: 1 }).unwrap();
    assert_eq!(
        log.says(Command::Snapshot(Box::new(before))),
        Err(Void::Late)
    );
    let record = String::from_utf8(Record::encode(&Command::Snapshot(Box::new(
        log.places.snapshot(),
    ))))
    .unwrap();
    let changed = record.replace("\"renewal\":1", "\"renewal\":9");
    assert_ne!(record, changed);
    for (record, expected) in [(&changed, Err(Void::Differs)), (&record, Err(Void::Late))] {
        let Record::Command(command) = Record::decode(record.as_bytes()) else {
            panic!("{record}")
        };
        assert_eq!(log.says(command), expected);
    }
    // Of another state, with the right hash and in the right place.
    let mut other = Log::of(&[B]);
    other.says(Command::Renew { boot: B, number: 1 }).unwrap();
    let mut log = Log::of(&[A]);
    log.says(Command::Settle { boot: A }).unwrap();
    assert_eq!(
        log.says(Command::Snapshot(Box::new(other.places.snapshot()))),
        Err(Void::Differs)
    );
}

#[test]
fn records_that_are_none_are_told_from_those_of_a_newer_version() {
    for bytes in [
        &b""[..],
        b"{}",
        b"[1]",
        b"{\"v\":0,\"create\":{\"shards\":4}}",
        b"{\"v\":1}",
        b"\xff",
    ] {
        assert_eq!(Record::decode(bytes), Record::Unreadable);
    }
    for ranges in [
        "[[0,4294967295]]",
        "[[3,2]]",
        "[[0,5],[5,6]]",
        "[[0,1048576]]",
    ] {
        let record =
            format!(r#"{{"v":1,"claim":{{"boot":"000000000000000a","shards":{ranges}}}}}"#);
        assert_eq!(
            Record::decode(record.as_bytes()),
            Record::Unreadable,
            "{record}"
        );
    }
    assert_eq!(
        Record::decode(br#"{"v":4294967295,"x":1}"#),
        Record::Newer(u32::MAX)
    );
}
