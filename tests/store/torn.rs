//! A log whose end is torn: cut at any byte, or with bytes that were never written.

use std::fs;

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use super::*;
use crate::support::TestDir;

/// Messages in each commit.
const GROUP: u64 = 3;

/// A database with this many commits in its log, as a kill leaves it.
fn killed(commits: u64) -> (TestDir, TestDir) {
    let (live, left) = (TestDir::new("store-torn-live"), TestDir::new("store-torn"));
    let (mut store, _) = open(live.path());
    // The tables are in the database, so only commits are cut off.
    drop(store);
    (store, _) = open(live.path());
    for commit in 0..commits {
        let mut batch = Batch::default();
        for n in 1..=GROUP {
            batch.put_message(&name(&format!("name-{n}")), message(commit * GROUP + n));
        }
        store.commit(&batch, Sync::Lazy).unwrap();
    }
    for file in ["store.db", "store.db-wal", "store.db-shm"] {
        fs::copy(live.path().join(file), left.path().join(file)).unwrap();
    }
    (live, left)
}

/// Opens it, expects whole commits from the first one on, and commits another. Returns how many
/// commits were left.
fn commits_left(dir: &Path, what: &str) -> u64 {
    let (mut store, recovered) = open(dir);
    assert_eq!(recovered.damage, None, "{what}");
    let mut all: Vec<u64> = recovered.names.values().flat_map(ids).collect();
    all.sort_unstable();
    let left = all.len() as u64;
    assert_eq!(
        all,
        (1..=left).collect::<Vec<_>>(),
        "{what}: from the first one on"
    );
    assert_eq!(left % GROUP, 0, "{what}: each whole or not at all");
    put(&mut store, "new", message(left + 1)).unwrap();
    drop(store);
    assert_eq!(ids(&state(&read(dir), "new")), [left + 1], "{what}");
    left / GROUP
}

/// A directory with the database of `left` and this log.
fn with_log(left: &TestDir, log: &[u8]) -> TestDir {
    let dir = TestDir::new("store-torn-copy");
    for file in ["store.db", "store.db-shm"] {
        fs::copy(left.path().join(file), dir.path().join(file)).unwrap();
    }
    fs::write(dir.path().join("store.db-wal"), log).unwrap();
    dir
}

#[test]
fn a_log_that_is_cut_anywhere_holds_the_commits_before_the_cut() {
    const COMMITS: u64 = 8;
    let (_live, left) = killed(COMMITS);
    let log = fs::read(left.path().join("store.db-wal")).unwrap();
    let mut seen = 0;
    // Every byte around the edges of each frame, and some between: a frame is 24 bytes and a page.
    let cuts = (0..=log.len()).filter(|cut| {
        let within = cut.wrapping_sub(32) % 4120;
        matches!(within, 0..=1 | 23..=25 | 4119) || cut % 977 == 0 || *cut < 34
    });
    for cut in cuts {
        let dir = with_log(&left, &log[..cut]);
        let commits = commits_left(dir.path(), &format!("cut at {cut}"));
        assert!(
            commits >= seen,
            "cut at {cut}: {commits} commits, and {seen} with less of the log"
        );
        seen = commits;
    }
    assert_eq!(seen, COMMITS, "the whole log");
}

#[test]
fn bytes_that_were_never_written_end_the_log() {
    const COMMITS: u64 = 8;
    let (_live, left) = killed(COMMITS);
    let log = fs::read(left.path().join("store.db-wal")).unwrap();
    let mut random = StdRng::seed_from_u64(4);
    for round in 0..60 {
        let mut log = log.clone();
        let what = match round % 3 {
            0 => {
                let at = random.random_range(0..log.len());
                log[at] ^= 1 << random.random_range(0..8);
                format!("a bit of byte {at} is flipped")
            }
            1 => {
                let from = random.random_range(0..log.len());
                random.fill_bytes(&mut log[from..]);
                format!("garbage from byte {from} on")
            }
            _ => {
                let mut garbage = vec![0; random.random_range(1..20_000)];
                random.fill_bytes(&mut garbage);
                log.extend(garbage);
                "garbage behind the end".to_owned()
            }
        };
        let dir = with_log(&left, &log);
        let commits = commits_left(dir.path(), &what);
        assert!(
            round % 3 != 2 || commits == COMMITS,
            "{what}: {commits} commits"
        );
    }
}

#[test]
fn the_index_of_the_log_may_be_anything() {
    let (_live, left) = killed(4);
    let log = fs::read(left.path().join("store.db-wal")).unwrap();
    for index in [Vec::new(), vec![0xff; 7], vec![0x5a; 1 << 16]] {
        let dir = with_log(&left, &log);
        fs::write(dir.path().join("store.db-shm"), &index).unwrap();
        assert_eq!(
            commits_left(dir.path(), &format!("{} bytes", index.len())),
            4
        );
    }
}
