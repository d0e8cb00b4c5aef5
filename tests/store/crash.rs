//! kill -9 at any instant.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    time::Duration,
};

use rand::RngExt;

use super::*;
use crate::support::{
    TestDir,
    child::{self, child},
};

const NAMES: u64 = 3;

/// The child commits groups of messages, and sometimes drops old ones; it prints the safe ones only
/// after the commit.
#[test]
fn what_was_acknowledged_before_a_kill_is_there_afterwards() {
    if let Some(dir) = child::dir() {
        accept_until_killed(&dir);
    }
    let dir = TestDir::new("store-kill");
    let (mut acknowledged, mut dropped) = (0, 0);
    for round in 0..20 {
        (acknowledged, dropped) = run_and_kill(dir.path(), (acknowledged, dropped));
        let recovered = read(dir.path());
        assert_eq!(recovered.damage, None, "round {round}");
        assert_eq!(recovered.unreadable, 0, "round {round}");
        let mut all = Vec::new();
        for state in recovered.names.values() {
            assert!(ids(state).is_sorted(), "round {round}: in order");
            for stored in &state.outbox {
                assert_eq!(*stored, message(stored.id), "round {round}: as it was put");
                all.push(stored.id);
            }
        }
        all.sort_unstable();
        let (first, last) = match all[..] {
            [] => (1, 0),
            [first, .., last] => (first, last),
            [only] => (only, only),
        };
        let whole: Vec<u64> = (first..=last).collect();
        assert_eq!(
            all, whole,
            "round {round}: no message is missing between two others"
        );
        assert!(
            last >= acknowledged,
            "round {round}: {acknowledged} was acknowledged, {last} is the last"
        );
        assert!(
            first <= dropped + 1,
            "round {round}: {first} is the first, and up to {dropped} were dropped"
        );
        let last_id = recovered.names.values().map(|state| state.last_id).max();
        assert_eq!(last_id.unwrap_or(0), last, "round {round}");
        (acknowledged, dropped) = (last, first - 1);
    }
    assert!(
        acknowledged > 1000,
        "only {acknowledged} messages were accepted in all rounds"
    );
}

/// The child's last output before the kill: the last safe id, and the greatest id that it was about
/// to drop.
fn run_and_kill(dir: &Path, before: (u64, u64)) -> (u64, u64) {
    let test = "crash::what_was_acknowledged_before_a_kill_is_there_afterwards";
    let mut child = child(test, dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = lines
        .by_ref()
        .map(Result::unwrap)
        .any(|line| line == "started");
    assert!(started, "the child has not started");
    // The duration is random: the test is about the instant of the kill.
    let time = Duration::from_micros(rand::rng().random_range(0..60_000));
    let killer = std::thread::spawn(move || {
        std::thread::sleep(time);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let (mut acknowledged, mut dropped) = before;
    for line in lines.map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("safe", id)) => acknowledged = id.parse().unwrap_or(acknowledged),
            Some(("dropping", id)) => dropped = dropped.max(id.parse().unwrap_or(0)),
            _ => {}
        }
    }
    killer.join().unwrap();
    (acknowledged, dropped)
}

fn accept_until_killed(dir: &Path) -> ! {
    let (mut store, recovered) = open(dir);
    let mut next = 1 + recovered
        .names
        .values()
        .map(|state| state.last_id)
        .max()
        .unwrap_or(0);
    println!("\nstarted");
    let mut random = rand::rng();
    let mut batch = Batch::default();
    loop {
        batch.clear();
        for _ in 0..random.random_range(1..64) {
            batch.put_message(&name(&format!("name-{}", next % NAMES)), message(next));
            next += 1;
        }
        let sync = [Sync::Always, Sync::Lazy][random.random_range(0..2)];
        store.commit(&batch, sync).unwrap();
        println!("safe {}", next - 1);
        if random.random_range(0..4) == 0 {
            let through = next - random.random_range(1..100).min(next - 1) - 1;
            println!("dropping {through}");
            batch.clear();
            (0..NAMES).for_each(|n| batch.drop_through(&name(&format!("name-{n}")), through));
            store.commit(&batch, Sync::Lazy).unwrap();
        }
    }
}
