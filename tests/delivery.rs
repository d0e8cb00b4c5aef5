//! The outcome of messages when real sockets die: sent again if requested, confirmed by a ping, and
//! reported.

#[path = "support/chaos.rs"]
mod chaos;
mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chaos::{End, Link, Proxy};
use everwire::{
    ConnectionSettings, Delivery, EventKind, Fate, Handle, Manager, Pattern,
    config::{Heartbeat, Resend},
    core::Rule,
    events::{GapReason, Sent},
    hub::Kinds,
    testing::{How, Peer, Script},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use support::{
    heard::{Heard, firsts},
    rig::*,
};

/// A heartbeat that can fence, and never pings on its own.
const QUIET: Heartbeat = Heartbeat::Protocol {
    interval: Duration::from_secs(3600),
    timeout: Duration::from_secs(30),
};

/// A subscriber that also receives fates.
fn watch(manager: &Manager) -> Watch {
    let delivery = Delivery::default().events(100_000).kinds(Kinds::all());
    Watch::over(manager.subscribe(Pattern::all(), delivery))
}

/// A peer that notes messages at `/`, and a name with fences.
struct Line {
    rig: Rig,
    heard: Heard,
}

impl Line {
    fn new() -> Self {
        let mut rig = Rig::new();
        rig.watch = watch(&rig.manager);
        let heard = Heard::default();
        rig.peer.script("/", heard.script());
        Self { rig, heard }
    }

    fn open(&self, change: impl FnOnce(&mut ConnectionSettings)) -> Handle {
        self.rig.open_with("/", |settings| {
            settings.heartbeat = QUIET;
            change(settings);
        })
    }

    fn pings(&self) -> u64 {
        let logs = self.rig.peer.connections_at("/");
        logs.iter().map(|log| log.ping_count).sum()
    }
}

/// Links that are reset after a few hundred bytes, at any point within a frame.
fn short_lived(port: u16, seed: u64) -> Proxy {
    let mut dice = StdRng::seed_from_u64(seed);
    Proxy::start(port, move || Link {
        end: Some((dice.random_range(200..3_000), End::Reset)),
        ..Link::default()
    })
}

#[tokio::test]
async fn what_is_in_doubt_is_sent_again_in_order_until_it_is_confirmed() {
    const MESSAGES: u64 = 500;
    let peer = Peer::spawn_thread().unwrap();
    let heard = Heard::default();
    peer.script("/", heard.script());
    let proxy = short_lived(peer.addr().port(), 11);
    let manager = one_arbiter();
    let mut watch = watch(&manager);
    let mut settings = quick(proxy.url("/"));
    settings.heartbeat = QUIET;
    settings.outbox.resend = Resend::InDoubt;
    let feed = manager.open("feed", settings).unwrap();

    let mut copies: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut sent, mut confirmed) = (0, 0);
    while confirmed < MESSAGES {
        while sent < MESSAGES && sent < confirmed + 30 {
            sent += 1;
            let padding = "x".repeat((sent % 90) as usize);
            assert_eq!(feed.send(format!("{sent}:{padding}")).unwrap().id(), sent);
        }
        let told = next_sent(&mut watch).await;
        match told.fate {
            Fate::Written => {
                let copies = copies.entry(told.id).or_default();
                assert_eq!(told.resent, *copies > 0, "{told:?}");
                *copies += 1;
            }
            Fate::Confirmed => {
                confirmed += 1;
                assert_eq!(told.id, confirmed, "each once, in order");
                assert!(firsts(&heard.numbers()).contains(&told.id), "not there");
            }
            other => panic!("{} is {other:?}", told.id),
        }
    }
    let numbers = heard.numbers();
    assert_eq!(firsts(&numbers), Vec::from_iter(1..=MESSAGES));
    for (id, written) in &copies {
        let arrived = numbers.iter().filter(|number| *number == id).count() as u64;
        assert!(
            arrived <= *written,
            "{id} came {arrived} times, told {written}"
        );
    }
    let losses = proxy.ended();
    assert!(losses > 10, "{losses} losses");
}

async fn next_sent(watch: &mut Watch) -> Sent {
    watch
        .until("the fate of a message", |update| match update.kind() {
            Some(EventKind::Sent(sent)) => Some(*sent),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn with_resend_never_each_message_arrives_once_or_is_in_doubt() {
    const MESSAGES: u64 = 300;
    let peer = Peer::spawn_thread().unwrap();
    let heard = Heard::default();
    peer.script("/", heard.script());
    let proxy = short_lived(peer.addr().port(), 12);
    let manager = one_arbiter();
    let mut settings = quick(proxy.url("/"));
    settings.heartbeat = QUIET;
    let feed = manager.open("feed", settings).unwrap();
    let mut in_doubt = 0;
    for first in (1..=MESSAGES).step_by(10) {
        let receipts: Vec<_> = (first..first + 10)
            .map(|id| feed.send(format!("{id}:{}", "x".repeat(40))).unwrap())
            .collect();
        for receipt in receipts {
            match receipt.fate(Fate::Confirmed).await {
                Fate::Confirmed => assert!(heard.numbers().contains(&receipt.id())),
                Fate::InDoubt => in_doubt += 1,
                other => panic!("{} is {other:?}", receipt.id()),
            }
        }
    }
    let numbers = heard.numbers();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert!(numbers.len() as u64 + in_doubt >= MESSAGES);
    assert!(in_doubt > 0, "no loss hit a message");
}

#[tokio::test]
async fn a_burst_costs_one_ping() {
    let line = Line::new();
    line.rig.peer.stop_listening().await.unwrap();
    let feed = line.open(|_| {});
    let receipts: Vec<_> = (0..100)
        .map(|n| feed.send(format!("{n}")).unwrap())
        .collect();
    // All wait for their confirmation before the first message is sent.
    let fates = receipts.iter().map(|receipt| receipt.fate(Fate::Confirmed));
    let (fates, ()) = tokio::join!(futures::future::join_all(fates), async {
        line.rig.peer.resume().await.unwrap();
    });
    assert!(fates.iter().all(|fate| *fate == Fate::Confirmed));
    assert_eq!(line.heard.len(), 100);
    assert_eq!(line.pings(), 1);
    for n in 1..=5 {
        let receipt = feed.send(format!("{n}")).unwrap();
        assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
        assert_eq!(line.pings(), 1 + n, "one for each that is waited for alone");
    }
}

#[tokio::test]
async fn where_nobody_waits_no_ping_is_sent() {
    let line = Line::new();
    let feed = line.open(|_| {});
    for n in 0..100 {
        feed.send(format!("{n}")).unwrap();
    }
    line.heard.wait_for(100).await;
    assert_eq!(line.pings(), 0);
    feed.close(1000, "").await.unwrap();
}

#[tokio::test]
async fn a_text_heartbeat_fences_where_the_server_answers_in_order() {
    let mut rig = Rig::new();
    let heard = Heard::default();
    let pings = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pings);
    let script = heard.script_with(move |text| match text {
        "ping" => {
            counted.fetch_add(1, Ordering::Relaxed);
            vec!["pong".into()]
        }
        _ => Vec::new(),
    });
    rig.peer.script("/", script);
    let feed = rig.open_with("/", |settings| settings.heartbeat = text_heartbeat(true));
    rig.watch.ready().await;
    let receipts: Vec<_> = (0..20)
        .map(|n| feed.send(format!("{n}")).unwrap())
        .collect();
    for receipt in receipts {
        assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
        assert!(heard.numbers().contains(&(receipt.id() - 1)));
    }
    let logs = rig.peer.connections();
    assert_eq!(logs[0].ping_count, 0, "no frame of another kind");
    assert!((1..=20).contains(&pings.load(Ordering::Relaxed)));
}

#[tokio::test]
async fn a_text_heartbeat_that_does_not_fence_confirms_nothing() {
    let mut rig = Rig::new();
    rig.peer.script("/", Script::text_heartbeat());
    let feed = rig.open_with("/", |settings| settings.heartbeat = text_heartbeat(false));
    let receipt = feed.send("1").unwrap();
    rig.watch.text("1").await;
    assert_eq!(receipt.now(), Fate::Written);
    rig.peer.kick("/", How::Reset);
    assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::InDoubt);
}

fn text_heartbeat(fence: bool) -> Heartbeat {
    Heartbeat::Text {
        interval: Duration::from_secs(3600),
        timeout: Duration::from_secs(30),
        ping: "ping".into(),
        pong: "pong".into(),
        fence,
        deliver: false,
    }
}

#[tokio::test]
async fn after_each_reconnect_the_blind_time_is_told() {
    let mut line = Line::new();
    let _feed = line.open(|_| {});
    line.rig.watch.ready().await;
    for _ in 0..3 {
        line.rig.peer.kick("/", How::Reset);
        line.rig.watch.ready().await;
        let update = line.rig.watch.next().await;
        let Some(EventKind::Gap(gap)) = update.kind() else {
            panic!("no gap behind ready: {:#?}", line.rig.watch.seen());
        };
        assert_eq!((gap.reason, gap.peer_seq), (GapReason::Reconnect, None));
        assert!(gap.blind > Duration::ZERO, "blind for no time");
    }
    let gaps = line.rig.watch.seen().iter();
    let gaps = gaps
        .filter(|event| event.contains(r#""type":"gap""#))
        .count();
    assert_eq!(gaps, 3, "none behind the first");
}

#[tokio::test]
async fn a_peer_that_goes_or_restarts_is_dialled_again_at_once_but_only_once() {
    for code in [1001, 1012] {
        let mut line = Line::new();
        let slow = ms(40);
        let _feed = line.open(|settings| with_backoff(settings, always(slow)));
        line.rig.watch.ready().await;
        line.rig.peer.kick("/", How::Close(code));
        let first = line.rig.watch.retrying().await;
        assert_eq!(
            (first.rule, first.delay),
            (Rule::PeerRestarts, Duration::ZERO)
        );
        let told = first_rule(&line.rig.watch);
        assert!(
            told.contains("at once, the peer goes or restarts"),
            "{told}"
        );
        // It was not up for long enough to reset the backoff.
        line.rig.watch.ready().await;
        line.rig.peer.kick("/", How::Close(code));
        let second = line.rig.watch.retrying().await;
        assert_eq!((second.rule, second.delay), (Rule::Backoff, slow));
        line.rig.watch.ready().await;
    }
}

fn first_rule(watch: &Watch) -> String {
    let mut seen = watch.seen().iter();
    let retrying = seen.find(|event| event.contains(r#""type":"retrying""#));
    retrying.expect("a retry").clone()
}
