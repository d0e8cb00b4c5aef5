//! A process that was killed in the middle of a write: its log is torn, and the next process starts
//! nevertheless.

use std::{fs, path::Path};

use everwire::testing::Peer;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::*;

/// An address where nobody listens.
const NOBODY: &str = "ws://127.0.0.1:1/";

/// A copy of the directory of a running process, as a kill would leave it.
pub fn copy_of(state_dir: &Path) -> TestDir {
    let copy = TestDir::new("durable-copy");
    for file in ["store.db", "store.db-wal"] {
        fs::copy(state_dir.join(file), copy.path().join(file)).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_torn_log_costs_its_tail_and_nothing_else() {
    let live = TestDir::new("durable-torn");
    let peer = Peer::spawn_thread().unwrap();
    let first = manager_at(live.path());
    let feed = first.open("feed", durable(NOBODY)).unwrap();
    for number in 1..=40 {
        queue(&feed, [number]).await;
    }
    let whole = copy_of(live.path());
    let log = fs::metadata(whole.path().join("store.db-wal"))
        .unwrap()
        .len();

    let mut dice = StdRng::seed_from_u64(7);
    let mut lengths: Vec<u64> = (0..10).map(|_| dice.random_range(0..log)).collect();
    lengths.push(log);
    for length in lengths {
        let left = delivered_from(&whole, length, &peer).await;
        assert!(length < log || left == 40, "{left} of a whole log");
    }
}

/// Starts on a copy whose log is cut to this length. Returns how many messages were left. They are
/// sent in order, with newer ones after them.
async fn delivered_from(whole: &TestDir, length: u64, peer: &Peer) -> u64 {
    let torn = copy_of(whole.path());
    let log = fs::OpenOptions::new()
        .write(true)
        .open(torn.path().join("store.db-wal"))
        .unwrap();
    log.set_len(length).unwrap();
    let heard = Heard::default();
    peer.script("/", heard.script());
    let second = manager_at(torn.path());
    assert_eq!(second.store_damage(), None, "cut at {length}");
    let feed = second.open("feed", durable(peer.url("/"))).unwrap();
    let receipt = feed.send("1000").unwrap();
    assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
    let left = receipt.id() - 1;
    let expected: Vec<u64> = (1..=left).chain([1000]).collect();
    assert_eq!(heard.numbers(), expected, "cut at {length}");
    end(second).await;
    left
}
