//! The rate of sent messages, measured at the peer. Tests assert only an upper bound, since a busy
//! machine may be slower.

mod support;

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use everwire::{
    Fate, State,
    config::{Heartbeat, RateSettings},
};
use support::{SOON, heard::Heard, poll_until, rig::*};

fn rate(messages: u32, per: Duration, burst: u32) -> RateSettings {
    let mut rate = RateSettings::new(NonZeroU32::new(messages).unwrap(), per);
    rate.burst = NonZeroU32::new(burst).unwrap();
    rate
}

/// Asserts that of the messages sent after `start`, no more have arrived at any time than the burst
/// and the refill allow.
fn keeps_to(rate: &RateSettings, start: Instant, arrivals: &[Instant]) {
    let interval = rate.per / rate.messages.get();
    for (before, arrival) in (0u32..).zip(arrivals) {
        let spared = before.saturating_sub(rate.burst.get() - 1);
        let earliest = start + interval * spared;
        assert!(
            *arrival >= earliest,
            "message {before} came {:?} too early",
            earliest - *arrival
        );
    }
}

#[tokio::test]
async fn after_the_burst_messages_come_no_faster_than_the_rate_and_in_order() {
    let rig = Rig::new();
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let rate = rate(50, ms(1_000), 5);
    let start = Instant::now();
    let feed = rig.open_with("/", |settings| settings.rate = vec![rate.clone()]);
    for number in 1..=30 {
        feed.send(number.to_string()).unwrap();
    }
    heard.wait_for(30).await;
    assert_eq!(heard.numbers(), Vec::from_iter(1..=30));
    keeps_to(&rate, start, &heard.times());
}

#[tokio::test]
async fn names_with_the_same_key_share_one_bucket() {
    let rig = Rig::new();
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let mut rate = rate(50, ms(1_000), 4);
    rate.bucket = Some("api".into());
    let start = Instant::now();
    for name in ["one", "two", "three"] {
        let mut settings = quick(rig.peer.url("/"));
        settings.rate = vec![rate.clone()];
        let handle = rig.manager.open(name, settings).unwrap();
        for number in 1..=10 {
            handle.send(number.to_string()).unwrap();
        }
    }
    heard.wait_for(30).await;
    keeps_to(&rate, start, &heard.times());
    for log in rig.peer.connections_at("/") {
        let numbers: Vec<u64> = log
            .texts()
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert_eq!(numbers, Vec::from_iter(1..=10), "each name's in order");
    }
}

#[tokio::test]
async fn heartbeats_do_not_wait_for_tokens_and_a_close_waits_no_longer_than_its_timeout() {
    let rig = Rig::new();
    let heard = Heard::default();
    rig.peer.script("/", heard.script());
    let feed = rig.open_with("/", |settings| {
        settings.rate = vec![rate(1, Duration::from_secs(3600), 1)];
        settings.close_timeout = ms(100);
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(20),
            timeout: ms(20_000),
        };
    });
    let first = feed.send("1").unwrap();
    let second = feed.send("2").unwrap();
    assert_eq!(first.fate(Fate::Confirmed).await, Fate::Confirmed);
    poll_until("pings while a message waits", SOON, || {
        rig.peer.connections_at("/")[0].ping_count >= 5
    })
    .await;
    assert_eq!(second.now(), Fate::Queued);
    feed.close(1000, "enough").await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    assert_eq!(second.now(), Fate::Cancelled);
    let log = &rig.peer.connections_at("/")[0];
    assert_eq!(log.close.as_ref().and_then(|close| close.code), Some(1000));
    assert_eq!(heard.texts(), ["1"]);
}

#[tokio::test]
async fn pings_spend_tokens_only_where_they_count() {
    for counts in [false, true] {
        let rig = Rig::new();
        let heard = Heard::default();
        rig.peer.script("/", heard.script());
        let mut rate = rate(2, Duration::from_secs(7200), 2);
        rate.control = counts;
        let feed = rig.open_with("/", |settings| {
            settings.rate = vec![rate];
            settings.heartbeat = Heartbeat::Protocol {
                interval: ms(20),
                timeout: ms(20_000),
            };
        });
        poll_until("two pings", SOON, || {
            let logs = rig.peer.connections_at("/");
            logs.first().is_some_and(|log| log.ping_count >= 2)
        })
        .await;
        let receipt = feed.send("1").unwrap();
        if counts {
            let more = rig.peer.connections_at("/")[0].ping_count + 3;
            poll_until("pings go on", SOON, || {
                rig.peer.connections_at("/")[0].ping_count >= more
            })
            .await;
            assert_eq!(receipt.now(), Fate::Queued);
        } else {
            assert_eq!(receipt.fate(Fate::Written).await, Fate::Written);
        }
    }
}
