//! Delivery of events: by pattern, in order, without gaps, and always with a bound.

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
};

use actix::{Actor, Context, Handler};
use everwire::{
    Delivery, EventKind, Handle, Notice, Overflow, Pattern, Subscribe, Update,
    testing::{How, Script},
};
use futures::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use support::{SOON, rig::*};
use tokio::time::timeout;

#[tokio::test]
async fn the_story_of_a_name_has_its_order_and_no_holes() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    for _ in 0..5 {
        rig.watch.ready().await;
        rig.echoes(&feed, "hello").await;
        rig.peer.kick_all(How::Fin);
    }
    rig.watch.ready().await;
    feed.close(1000, "").await.unwrap();
    rig.watch.closed().await;
    let kinds: Vec<String> = rig
        .watch
        .seen()
        .iter()
        .map(|event| {
            serde_json::from_str::<serde_json::Value>(event).unwrap()["type"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let life = [
        "connecting",
        "opened",
        "ready",
        "message",
        "error",
        "closed",
        "retrying",
    ];
    let mut expected = life.repeat(5);
    expected.extend(["connecting", "opened", "ready", "closed"]);
    // Each new socket but the first follows an outage.
    let readies: Vec<usize> = (0..expected.len())
        .filter(|&at| expected[at] == "ready")
        .collect();
    for &ready in readies[1..].iter().rev() {
        expected.insert(ready + 1, "gap");
    }
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn a_pattern_selects_names_that_are_opened_later_too() {
    let rig = Rig::new();
    let mut markets = Watch::new(&rig.manager, "market.*,extra");
    for name in ["market.a", "other", "market.b", "extra", "supermarket.c"] {
        rig.manager
            .open(name, quick(rig.peer.url("/echo")))
            .unwrap();
    }
    let mut ready = Vec::new();
    while ready.len() < 3 {
        let update = markets.next().await;
        if update.kind() == Some(&EventKind::Ready) {
            ready.extend(update.name().map(ToString::to_string));
        }
    }
    ready.sort();
    assert_eq!(ready, ["extra", "market.a", "market.b"]);
    let strangers = markets
        .seen()
        .iter()
        .filter(|event| event.contains("other") || event.contains("super"));
    assert_eq!(strangers.count(), 0);
}

#[tokio::test]
async fn a_handle_gives_the_events_of_its_name_alone() {
    let rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| settings.enabled = false);
    let mut own = Watch::over(feed.subscribe(Delivery::default()));
    rig.manager
        .open("feed2", quick(rig.peer.url("/feed?every=1ms")))
        .unwrap();
    feed.connect(None).await.unwrap();
    feed.send("mine").unwrap();
    own.text("mine").await;
    assert!(
        own.seen()
            .iter()
            .all(|event| event.contains(r#""name":"feed""#))
    );
}

/// The number of missed events in a notice.
fn missed(update: &Update) -> Option<u64> {
    match update {
        Update::Notice(Notice::Lagged(lagged)) => lagged.missed,
        _ => None,
    }
}

/// A name whose messages come as fast as possible, and a subscriber that has not read yet.
fn flooded(rig: &Rig, delivery: Delivery, count: u64) -> (Handle, everwire::Events) {
    let events = rig.manager.subscribe(Pattern::all(), delivery);
    rig.peer
        .script("/flood", Script::echo().message_flood("x", count));
    (rig.open("/flood"), events)
}

#[tokio::test]
async fn a_slow_reader_that_drops_loses_the_oldest_and_is_told_how_many() {
    let mut rig = Rig::new();
    let (_feed, mut events) = flooded(&rig, Delivery::default().events(10), 1000);
    let mut heard = 0;
    while heard < 1000 {
        rig.watch.message().await;
        heard += 1;
    }
    let first = events.next().await.expect("what it missed");
    // Three events are about the opening of the socket.
    assert_eq!(missed(&first), Some(1003 - 10), "{first:?}");
    for left in (0..10).rev() {
        let update = events
            .next()
            .now_or_never()
            .flatten()
            .expect("an event that was kept");
        assert_eq!(update.stamp().unwrap().seq, 1003 - left);
    }
    assert!(
        events.next().now_or_never().is_none(),
        "the stream goes on, and waits"
    );
}

#[tokio::test]
async fn a_slow_reader_that_asked_for_disconnect_is_cut_off() {
    let mut rig = Rig::new();
    let delivery = Delivery::default()
        .events(10)
        .overflow(Overflow::Disconnect);
    let (_feed, mut events) = flooded(&rig, delivery, 1000);
    for _ in 0..1000 {
        rig.watch.message().await;
    }
    let last = events.next().await.expect("what it missed");
    assert!(missed(&last) >= Some(993), "{last:?}");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn pause_slows_the_peer_and_loses_nothing() {
    const COUNT: u64 = 20_000;
    let rig = Rig::new();
    let delivery = Delivery::default().events(16).overflow(Overflow::Pause);
    let (_feed, events) = flooded(&rig, delivery, COUNT);
    let mut watch = Watch::over(events);
    let mut messages = 0;
    while messages < COUNT {
        let update = watch.next().await;
        assert_eq!(missed(&update), None, "lagged although the socket waits");
        messages += u64::from(update.message().is_some());
    }
}

#[tokio::test]
async fn a_reader_that_paused_and_never_comes_is_cut_after_five_seconds() {
    let mut rig = Rig::new();
    let delivery = Delivery::default().events(16).overflow(Overflow::Pause);
    let (_feed, mut events) = flooded(&rig, delivery, 5_000);
    for _ in 0..5_000 {
        rig.watch.message().await;
    }
    let end = async {
        let mut all = 0;
        while let Some(update) = events.next().await {
            all += missed(&update).unwrap_or_default();
        }
        all
    };
    let all = timeout(SOON, end).await.expect("the stream has not ended");
    assert!(all > 0);
}

#[tokio::test]
async fn dropping_the_stream_unsubscribes() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let events = rig.manager.subscribe(Pattern::all(), Delivery::default());
    assert_eq!(feed.status().await.unwrap().subscribers, 2);
    drop(events);
    assert_eq!(feed.status().await.unwrap().subscribers, 1);
}

struct Collector(mpsc::Sender<String>);

impl Actor for Collector {
    type Context = Context<Self>;
}

impl Handler<Update> for Collector {
    type Result = ();

    fn handle(&mut self, update: Update, _: &mut Context<Self>) {
        self.0.send(update.type_name().to_owned()).unwrap();
    }
}

#[tokio::test]
async fn an_actor_hears_the_events_it_subscribed_to() {
    for through_the_name in [true, false] {
        let mut rig = Rig::new();
        let feed = rig.open_with("/echo", |settings| settings.enabled = false);
        let (sender, heard) = mpsc::channel();
        let arbiter = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&arbiter);
        let thread = std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
                *slot.lock() = Some((Collector(sender).start(), stop));
                let _stopped = stopped.await;
            });
        });
        let (collector, stop) =
            wait_for("the collector", async || arbiter.lock().take().ok_or(())).await;
        if through_the_name {
            feed.addr().send(Subscribe::new(collector)).await.unwrap();
        } else {
            rig.manager
                .subscribe_actor(Pattern::all(), collector, Delivery::default());
            wait_for("the subscription", async || {
                let subscribers = feed.status().await.unwrap().subscribers;
                if subscribers == 2 {
                    Ok(())
                } else {
                    Err(subscribers)
                }
            })
            .await;
        }
        feed.connect(None).await.unwrap();
        rig.echoes(&feed, "hello").await;
        let heard: Vec<_> = (0..4).map(|_| heard.recv_timeout(SOON).unwrap()).collect();
        assert_eq!(heard, ["connecting", "opened", "ready", "message"]);
        drop(stop);
        thread.join().unwrap();
        // A stopped actor is no longer a subscriber.
        rig.echoes(&feed, "again").await;
        wait_for("the end of the subscription", async || {
            feed.send("more").unwrap();
            let subscribers = feed.status().await.unwrap().subscribers;
            if subscribers == 1 {
                Ok(())
            } else {
                Err(subscribers)
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_callback_hears_in_the_names_own_turn_until_its_guard_is_dropped() {
    let mut rig = Rig::new();
    let threads = Arc::new(Mutex::new(BTreeMap::new()));
    let seen = Arc::clone(&threads);
    let guard = rig.manager.on_event(Pattern::all(), move |update| {
        let thread = std::thread::current().id();
        *seen.lock().entry(format!("{thread:?}")).or_insert(0) +=
            usize::from(update.stamp().is_some());
    });
    let feed = rig.open("/echo");
    rig.echoes(&feed, "one").await;
    wait_for("four events", async || {
        let count = threads.lock().values().sum::<usize>();
        if count == 4 { Ok(()) } else { Err(count) }
    })
    .await;
    assert_eq!(threads.lock().len(), 1, "one name, one arbiter");
    drop(guard);
    rig.echoes(&feed, "two").await;
    assert_eq!(threads.lock().values().sum::<usize>(), 4);
}
