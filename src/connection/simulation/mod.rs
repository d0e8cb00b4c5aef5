//! The whole actor under virtual time, over a network that delays and cuts at any byte: thousands
//! of seeded lives.
//!
//! The clock, the network, the peer and the store are simulated. The actor, its supervisor,
//! mailbox, driver, codec, outbox, fences and the queues of the readers are the shipped ones. One
//! reader receives everything; others are slow, hold batches, leave and come back: see `hearing`
//! for the promises to each of them. The seed determines a run:
//!
//! ```text
//! EVERWIRE_SEED=17 cargo test --lib simulation -- --nocapture      one run, with each step printed
//! EVERWIRE_SEEDS=10000 cargo test --lib simulation                 more lives than an ordinary test run
//! ```

mod counts;
mod dialogue;
mod hearing;
mod keys;
mod life;
mod network;
mod oracle;
mod peer;
mod plan;
mod readers;
mod requests;
mod spin;
mod store;
mod talk;
mod talks;
mod witness;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use self::oracle::Tally;
use crate::panics::panic_text;

/// The number of lives in an ordinary test run.
const SEEDS: u64 = 500;

/// The interval between progress reports.
const EVERY: Duration = Duration::from_secs(10);

#[test]
fn all_lives_keep_every_promise() {
    if let Some(seed) = variable("EVERWIRE_SEED") {
        let tally = life::live(seed, true);
        println!("seed {seed}: {tally:?}");
        return;
    }
    let seeds = variable("EVERWIRE_SEEDS").unwrap_or(SEEDS);
    let tally = live_all(seeds);
    println!("{seeds} lives: {tally:?}");
    tally.expect_variety(seeds);
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// Runs all lives, on as many threads as there are cores.
fn live_all(seeds: u64) -> Tally {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let next = &next;
                scope.spawn(move || live_some(next, seeds, worker == 0))
            })
            .collect();
        let mut sum = Tally::default();
        for worker in workers {
            match worker.join() {
                Ok(tally) => sum += tally,
                Err(panic) => panic!("{}", panic_text(&*panic)),
            }
        }
        sum
    })
}

fn live_some(next: &AtomicU64, seeds: u64, tells: bool) -> Tally {
    let (mut sum, mut told) = (Tally::default(), Instant::now());
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return sum;
        }
        match catch_unwind(AssertUnwindSafe(|| life::live(seed, false))) {
            Ok(tally) => sum += tally,
            Err(panic) => panic!(
                "seed {seed}: {}\nreplay it: EVERWIRE_SEED={seed} cargo test --workspace --lib simulation -- --nocapture",
                panic_text(&*panic)
            ),
        }
        if tells && told.elapsed() > EVERY {
            told = Instant::now();
            println!("{seed} of {seeds} lives");
        }
    }
}
