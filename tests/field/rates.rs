//! Shared rates, and the promise of a rate.
//!
//! Reported: of two names with the same `[rates.KEY]`, the one with a backlog took every token at
//! once, and the other could send nothing while the backlog lasted. And a rate of 5 per second with
//! a burst of 5 let 9 messages out within a second, for which an exchange cuts the connection: it
//! counts over a sliding second, pings and pongs included.

use std::{
    fs,
    num::NonZeroU32,
    path::Path,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Fate, Manager, Settings, State,
    config::{Heartbeat, Opening, RateSettings, Template},
};

use crate::support::{SOON, TestDir, heard::Heard, poll_until, rig::*};

fn rate(messages: u32, per: Duration, burst: u32) -> RateSettings {
    let mut rate = RateSettings::new(NonZeroU32::new(messages).unwrap(), per);
    rate.burst = NonZeroU32::new(burst).unwrap();
    rate
}

fn shared(messages: u32, per: Duration, burst: u32) -> RateSettings {
    let mut rate = rate(messages, per, burst);
    rate.bucket = Some("site".into());
    rate
}

fn with_rate(rig: &Rig, rate: &RateSettings) -> ConnectionSettings {
    let mut settings = quick(rig.peer.url("/"));
    settings.rate = vec![rate.clone()];
    settings
}

/// Asserts that no `messages + 1` consecutive messages arrived within half of `per`. A message that
/// was written in time can arrive late, and the next one in time; tests with a simulated clock
/// check a whole `per`.
fn keeps_to(rate: &RateSettings, arrivals: &[Instant]) {
    let messages = rate.messages.get() as usize;
    for (at, window) in arrivals.windows(messages + 1).enumerate() {
        let took = window[messages] - window[0];
        assert!(
            took >= rate.per / 2,
            "{} messages from number {at} on came within {took:?}, of {messages} in {:?}",
            messages + 1,
            rate.per
        );
    }
}

#[tokio::test]
async fn a_name_has_its_turns_while_another_one_of_its_rate_has_a_backlog() {
    let rig = Rig::new();
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let settings = with_rate(&rig, &shared(50, ms(1_000), 1));
    let busy = rig.manager.open("busy", settings.clone()).unwrap();
    for _ in 0..1_000 {
        busy.send("0: backlog").unwrap();
    }
    heard.wait_for(3).await;
    let quiet = rig.manager.open("quiet", settings).unwrap();
    for _ in 0..8 {
        quiet.send("1: news").unwrap();
    }
    let news = || {
        heard
            .numbers()
            .iter()
            .filter(|number| **number == 1)
            .count()
    };
    poll_until("all that the quiet name has to say", SOON, || news() == 8).await;
    let numbers = heard.numbers();
    let first = numbers.iter().position(|number| *number == 1).unwrap();
    let last = numbers.iter().rposition(|number| *number == 1).unwrap();
    // One turn each would be fifteen messages, but the peer reads the two sockets in any order.
    assert!(last - first < 20, "{:?}", &numbers[first..=last]);
}

#[tokio::test]
async fn names_of_all_arbiters_take_turns() {
    const NAMES: u64 = 5;
    let rig = Rig::new();
    let mut settings = Settings::default();
    settings.service.workers = 3;
    let manager = Manager::spawn(settings).unwrap();
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let settings = with_rate(&rig, &shared(100, ms(1_000), 1));
    for name in 0..NAMES {
        let handle = manager.open(format!("n{name}"), settings.clone()).unwrap();
        for _ in 0..100 {
            handle.send(name.to_string()).unwrap();
        }
    }
    heard.wait_for(100).await;
    let numbers = heard.numbers();
    // Once all of them are up.
    for name in 0..NAMES {
        let turns = numbers[40..100].iter().filter(|number| **number == name);
        assert!((10..=14).contains(&turns.count()), "{numbers:?}");
    }
    manager.shutdown(ms(1_000)).await;
}

#[tokio::test]
async fn no_window_holds_more_than_the_rate_whatever_the_burst() {
    for burst in [1, 20, 40] {
        let rig = Rig::new();
        let heard = Heard::default();
        rig.peer.script("/", heard.script());
        let rate = rate(40, ms(1_000), burst);
        let feed = rig.manager.open("feed", with_rate(&rig, &rate)).unwrap();
        for number in 1..=100 {
            feed.send(number.to_string()).unwrap();
        }
        heard.wait_for(100).await;
        assert_eq!(heard.numbers(), Vec::from_iter(1..=100));
        keeps_to(&rate, &heard.times());
    }
}

#[tokio::test]
async fn opening_messages_wait_for_the_rate_and_heartbeats_do_not() {
    let rig = Rig::new();
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let mut settings = with_rate(&rig, &rate(2, ms(3_600_000), 2));
    settings.on_open = (1..=3)
        .map(|number| Opening::Text(Template::literal(number.to_string())))
        .collect();
    settings.heartbeat = Heartbeat::Text {
        interval: ms(20),
        timeout: ms(20_000),
        ping: "9: ping".into(),
        pong: "pong".into(),
        fence: false,
        deliver: false,
    };
    let feed = rig.manager.open("feed", settings).unwrap();
    heard.wait_for(3).await;
    let status = feed.status().await.unwrap();
    assert_eq!((status.state, status.ready), (State::Opening, false));
    assert_eq!(heard.numbers(), [1, 2, 9]);
}

/// A manager with one arbiter that stores its state in this folder.
fn remembering(dir: &Path) -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.service.remember = true;
    settings.service.state_dir = dir.to_owned();
    Manager::spawn(settings).unwrap()
}

/// A copy as a killed process leaves it: committed data is there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_rate_per_hour_is_kept_over_a_restart_and_a_kill() {
    let rig = Rig::new();
    let dir = TestDir::new("rate");
    let [ended, killed] = ["ended", "killed"].map(|state| dir.path().join(state));
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let settings = with_rate(&rig, &shared(3, ms(3_600_000), 3));
    let manager = remembering(&ended);
    let feed = manager.open("feed", settings.clone()).unwrap();
    for _ in 0..3 {
        let receipt = feed.send("1: before").unwrap();
        assert_eq!(receipt.fate(Fate::Written).await, Fate::Written);
    }
    assert!(manager.written().await);
    copy(&ended, &killed);
    manager.shutdown(ms(1_000)).await;
    for state in [ended, killed] {
        let manager = remembering(&state);
        let feed = manager.open("feed", settings.clone()).unwrap();
        let other = manager.open("other", quick(rig.peer.url("/"))).unwrap();
        wait_for_state(&feed, State::Open).await;
        let receipt = feed.send("2: behind").unwrap();
        // Another name is idle for long enough to send as much.
        for _ in 0..20 {
            let receipt = other.send("3: other").unwrap();
            assert_eq!(receipt.fate(Fate::Written).await, Fate::Written);
        }
        assert_eq!(receipt.now(), Fate::Queued);
        manager.shutdown(ms(1)).await;
    }
    assert!(!heard.numbers().contains(&2));
}
