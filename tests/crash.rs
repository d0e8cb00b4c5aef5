//! kill -9 at any instant, with a durable outbox: the peer gets all messages that were reported as
//! queued.
//!
//! ```text
//! EVERWIRE_ROUNDS=200 cargo test --test crash -- --nocapture     more rounds than usual
//! EVERWIRE_SEED=17 cargo test --test crash -- --nocapture        the same instants again, as far as timing repeats
//! ```

mod support;

use std::{
    collections::{BTreeSet, VecDeque},
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    process::{Child, ChildStdout, Command, Stdio},
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Fate, Handle, Manager, Receipt, Rejected, SendError, Settings,
    config::{Fsync, Heartbeat, Resend},
    testing::{How, Peer},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use support::{
    SOON, TestDir,
    child::{self, child},
    heard::{Heard, firsts},
    rig::*,
};

/// Rounds in an ordinary run.
const ROUNDS: u64 = 20;

/// The environment variables of a child.
const URL: &str = "EVERWIRE_CRASH_URL";
const ROUND: &str = "EVERWIRE_CRASH_ROUND";
const LAST: &str = "EVERWIRE_CRASH_LAST";

/// The messages of a round are numbered from here, times the round.
const OF_A_ROUND: u64 = 10_000_000;

/// The most messages that wait for acknowledgement.
const WINDOW: usize = 300;

/// The bytes per second that a slow peer reads.
const SLOW: u64 = 200_000;

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().ok().unwrap_or_else(|| panic!("{name}={text}")))
}

#[test]
fn what_was_queued_reaches_the_peer_whenever_the_process_is_killed() {
    let rounds = variable("EVERWIRE_ROUNDS").unwrap_or(ROUNDS);
    let seed = variable("EVERWIRE_SEED").unwrap_or_else(rand::random);
    println!("EVERWIRE_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let dir = TestDir::new("crash");
    let heard = Heard::default();
    let peer = Peer::spawn_thread().unwrap();
    let life = |round: u64| {
        let mut life = child("life", dir.path());
        life.env(URL, peer.url("/")).env(ROUND, round.to_string());
        life
    };

    let mut acknowledged = BTreeSet::new();
    let mut epoch = 0;
    for round in 1..=rounds {
        // A slow peer leaves many messages written but not received when the socket dies.
        peer.script(
            "/",
            match dice.random_bool(0.5) {
                true => heard.script().read_rate(SLOW),
                false => heard.script(),
            },
        );
        let killed = Killed::run(life(round), &peer, &mut dice);
        if let (Some(started), false) = (killed.epoch, killed.acknowledged.is_empty()) {
            assert!(started > epoch, "epoch {started} after {epoch}");
            epoch = started;
        }
        acknowledged.extend(killed.acknowledged);
    }
    peer.script("/", heard.script());
    let last = life(rounds + 1).env(LAST, "1").output().unwrap();
    assert!(
        last.status.success(),
        "{}",
        String::from_utf8_lossy(&last.stderr)
    );
    judge(rounds, &acknowledged, &heard.numbers());
}

fn judge(rounds: u64, acknowledged: &BTreeSet<u64>, arrived: &[u64]) {
    let firsts = firsts(arrived);
    let distinct: BTreeSet<u64> = firsts.iter().copied().collect();
    let lost: Vec<_> = acknowledged.difference(&distinct).collect();
    println!(
        "{rounds} rounds: acknowledged {}, delivered {}, doubled {}, lost {}",
        acknowledged.len(),
        distinct.len(),
        arrived.len() - distinct.len(),
        lost.len()
    );
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert!(firsts.is_sorted(), "first deliveries are out of order");
    assert!(
        acknowledged.len() as u64 > 50 * rounds,
        "only {} messages were acknowledged",
        acknowledged.len()
    );
}

/// The output of a child before it was killed.
#[derive(Default)]
struct Killed {
    epoch: Option<u32>,
    acknowledged: Vec<u64>,
}

impl Killed {
    /// Runs a child until a random instant: mostly while it sends, sometimes while it starts.
    fn run(mut life: Command, peer: &Peer, dice: &mut StdRng) -> Self {
        let mut child = life.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut killed = Self::default();
        if dice.random_bool(0.8) {
            while killed.epoch.is_none() {
                assert!(killed.hear(&mut output), "the child has not started");
            }
        }
        // The duration is random: the test is about the instant of the kill.
        let time = Duration::from_micros(dice.random_range(0..400_000));
        // Some lose their socket on the way, and some when they die: then the last messages have
        // not arrived.
        let kicks = [Duration::ZERO, time / 2, time].map(|at| (at, dice.random_bool(0.3)));
        thread::scope(|scope| {
            scope.spawn(|| {
                let start = Instant::now();
                for (at, _) in kicks.into_iter().filter(|(_, kick)| *kick) {
                    thread::sleep(at.saturating_sub(start.elapsed()));
                    peer.kick("/", How::Reset);
                }
                thread::sleep(time.saturating_sub(start.elapsed()));
                kill(child);
            });
            while killed.hear(&mut output) {}
        });
        killed
    }

    /// Notes a line of the output; false at its end. An incomplete line is ignored.
    fn hear(&mut self, output: &mut BufReader<ChildStdout>) -> bool {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        match line
            .strip_suffix('\n')
            .and_then(|line| line.split_once(' '))
        {
            Some(("started", epoch)) => self.epoch = epoch.parse().ok(),
            Some(("queued", number)) => self.acknowledged.push(number.parse().unwrap()),
            _ => {}
        }
        !line.is_empty()
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "it ended by itself: {status}");
}

#[tokio::test]
#[ignore = "a life of the child that the other test starts"]
async fn life() {
    let round: u64 = variable(ROUND).expect("a round");
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.service.state_dir = child::dir().expect("a directory");
    let manager = Manager::spawn(settings).unwrap();
    let feed = manager.open("feed", durable(round)).unwrap();
    println!("\nstarted {}", feed.status().await.unwrap().epoch);
    if variable::<u32>(LAST).is_none() {
        send_until_killed(&feed, round).await;
    }
    wait_for("an empty outbox", async || {
        match feed.status().await.unwrap().outbox.messages {
            0 => Ok(()),
            messages => Err(messages),
        }
    })
    .await;
    manager.shutdown(SOON).await;
}

fn durable(round: u64) -> ConnectionSettings {
    let mut settings = quick(variable::<String>(URL).expect("a URL"));
    settings.heartbeat = Heartbeat::default();
    settings.outbox.durable = true;
    settings.outbox.resend = Resend::InDoubt;
    // A killed process does not take away data that the operating system already has.
    settings.outbox.fsync = match round % 4 {
        0 => Fsync::Interval,
        _ => Fsync::Always,
    };
    settings
}

/// Sends as fast as it can, and prints each message once it is safe.
async fn send_until_killed(feed: &Handle, round: u64) {
    let mut waiting = VecDeque::new();
    for number in round * OF_A_ROUND.. {
        waiting.push_back((number, send(feed, number).await));
        while waiting.len() > WINDOW {
            acknowledge(&mut waiting).await;
        }
    }
}

async fn send(feed: &Handle, number: u64) -> Receipt {
    wait_for("room in the outbox", async || {
        match feed.send(number.to_string()) {
            Err(SendError::Rejected(Rejected::Full)) => Err("full"),
            sent => Ok(sent.unwrap()),
        }
    })
    .await
}

async fn acknowledge(waiting: &mut VecDeque<(u64, Receipt)>) {
    if let Some((number, receipt)) = waiting.pop_front() {
        let fate = receipt.fate(Fate::Queued).await;
        assert!(fate.reaches(Fate::Queued), "{number} is {fate:?}");
        println!("queued {number}");
    }
}
