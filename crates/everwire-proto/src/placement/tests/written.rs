//! What is written down is read as it was.

use super::{
    super::{
        BootId, Change, Command, Join, Labels, MAX_ENDED, MAX_TABLE, Outcome, Places, Record,
        ShardId, ShardSet, Term, Void,
    },
    commands::{Log, name},
    random::Random,
};

/// A command that is right as often as not.
fn any_command(random: &mut Random, places: &Places) -> Command {
    let boots: Vec<BootId> = (1..=6).map(BootId::new).collect();
    let boot = boots[usize::try_from(random.below(6)).unwrap()];
    let other = boots[usize::try_from(random.below(6)).unwrap()];
    let shard = ShardId::from(u32::try_from(random.below(9)).unwrap());
    let shards: ShardSet = (0..random.below(6))
        .map(|_| u32::try_from(random.below(9)).unwrap().into())
        .collect();
    let number = random.below(4);
    let named = || name(&format!("name-{number}"));
    match random.below(15) {
        0 => Command::Create { shards: 4 },
        1 | 2 => {
            let node = format!("node-{}", random.below(3));
            let joins = BootId::new(random.below(40));
            Command::Join(Join {
                succeeds: Some(other),
                inherits: shards,
                ..Join::new(joins, &node, 4)
            })
        }
        3 => Command::Renew { boot, number },
        4 => Command::Settle { boot },
        5 => Command::Suspect {
            by: other,
            boot,
            number,
        },
        6 => Command::Leave { boot },
        7 => Command::Drain { boot },
        8 => Command::Place {
            labels: [("at", number.to_string())].into_iter().collect(),
        },
        9 => Command::Claim {
            boot,
            shards,
            seen: vec![(shard, Term::new(u16::try_from(number).unwrap()))],
        },
        10 => Command::Release {
            boot,
            shards: shards
                .iter()
                .map(|shard| (shard, Term::new(u16::try_from(number).unwrap())))
                .collect(),
        },
        11 => Command::Move {
            boot,
            shard,
            to: other,
        },
        12 => Command::Moved {
            boot,
            shard,
            term: Term::new(u16::try_from(number).unwrap()),
        },
        13 if number < 2 => Command::Close {
            boot,
            name: named(),
        },
        13 => Command::Open {
            boot,
            name: named(),
        },
        _ => Command::Snapshot(Box::new(places.snapshot())),
    }
}

#[test]
fn each_record_is_read_as_it_was_written_and_a_snapshot_is_the_state() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let (mut log, mut highest) = (Log::default(), vec![Term::default(); 64]);
        for _ in 0..200 {
            let command = any_command(&mut random, &log.places);
            let bytes = Record::encode(&command);
            assert_eq!(
                Record::decode(&bytes),
                Record::Command(command.clone()),
                "seed {seed}"
            );
            for change in log.says(command).unwrap_or_default() {
                // Each holder has a token above all before it.
                if let Change::Taken { shard, term, .. } | Change::Moves { shard, term, .. } =
                    change
                {
                    let before = &mut highest[shard.index()];
                    let is_drawn = matches!(change, Change::Taken { .. }) && term == *before;
                    assert!(term > *before || is_drawn, "seed {seed}: {change:?}");
                    *before = term;
                }
            }
            if log.places.shards() == 0 {
                continue;
            }
            // Who begins with the snapshot has the same state as who has read all.
            let snapshot = Command::Snapshot(Box::new(log.places.snapshot()));
            let mut later = Places::default();
            let number = log.number + 1;
            assert_eq!(
                later.apply(number, &snapshot),
                Ok(Outcome::Applied(vec![Change::Snapshot]))
            );
            assert!(later.is_same(&log.places), "seed {seed}");
        }
    }
}

#[test]
fn the_largest_snapshot_fits_into_a_message_of_a_mebibyte() {
    let (mut log, shards) = (Log::default(), 512);
    log.says(Command::Create { shards }).unwrap();
    let long = |at: usize| -> Labels {
        [(format!("{at:0>120}"), "v".repeat(130))]
            .into_iter()
            .collect()
    };
    for boot in (0..).map(BootId::new).take(MAX_ENDED) {
        log.says(Command::Join(Join::new(boot, "other", shards)))
            .unwrap();
        log.says(Command::Leave { boot }).unwrap();
    }
    let boots: Vec<BootId> = (1..=256).map(|at| BootId::new(u64::MAX - at)).collect();
    for (at, boot) in boots.iter().enumerate() {
        let node = format!("{at:0>128}");
        let join = Join {
            labels: long(at),
            ..Join::new(*boot, &node, shards)
        };
        log.says(Command::Join(join)).unwrap();
    }
    let one_more = Join::new(BootId::new(u64::MAX), "one-more", shards);
    assert_eq!(log.says(Command::Join(one_more)), Err(Void::TooManyNodes));
    for place in 1..64 {
        log.says(Command::Place {
            labels: long(place),
        })
        .unwrap();
    }
    let all: Vec<ShardId> = log.places.table().map(|(shard, _)| shard).collect();
    assert_eq!(all.len(), MAX_TABLE);
    for (part, boot) in all.chunks(MAX_TABLE / 256).zip(boots.iter().rev()) {
        let seen = part
            .iter()
            .map(|shard| (*shard, Term::new(u16::MAX - 9)))
            .collect();
        let shards = part.iter().copied().collect();
        log.says(Command::Claim {
            boot: *boot,
            shards,
            seen,
        })
        .unwrap();
        let to = boots[usize::from(*boot == boots[0])];
        for &shard in part.iter().take(8) {
            log.says(Command::Move {
                boot: *boot,
                shard,
                to,
            })
            .unwrap();
        }
    }
    let close = |at| Command::Close {
        boot: boots[0],
        name: name(&format!("{at:0>8}")),
    };
    while log.says(close(log.number)).is_ok() {}
    let bytes = Record::encode(&Command::Snapshot(Box::new(log.places.snapshot()))).len();
    assert!((900_000..1 << 20).contains(&bytes), "{bytes} bytes");
}
