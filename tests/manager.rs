//! The registry of names, from inside actix and from plain tokio.

mod support;

use std::{
    collections::BTreeSet,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionGone, Delivery, EventKind, Fate, Manager, NotOpen, Owner, Pattern, Rejected,
    SendError, Settings, State, Update,
    config::{DialPolicy, Heartbeat, Opening, Proxy, ProxyUrl, Template},
    manager::{ConfigureError, OpenError, StartError},
    testing::{Detour, Peer},
};
use parking_lot::Mutex;
use support::{SOON, rig::*};

#[tokio::test]
async fn a_name_can_be_opened_once() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    let error = rig
        .manager
        .open("feed", quick(rig.peer.url("/sink")))
        .unwrap_err();
    assert_eq!(error, OpenError::Duplicate(feed.name().clone()));
    assert_eq!(
        error.to_string(),
        r#"a connection named "feed" exists already"#
    );
    rig.echoes(&feed, "the first is untouched").await;
    assert_eq!(rig.peer.accepted(), 1);
}

#[tokio::test]
async fn a_name_keeps_its_owner_until_it_is_removed() {
    let mut rig = Rig::new();
    let acme = Owner::new("acme");
    let url = rig.peer.url("/echo");
    let settings = || quick(url.clone());
    let owned = rig.manager.open_owned("feed", settings(), acme.clone());
    rig.echoes(&owned.unwrap(), "up").await;
    assert_eq!(rig.manager.owner("feed"), Some(acme.clone()));
    rig.manager.configure("feed", settings()).await.unwrap();
    assert_eq!(rig.manager.owner("feed"), Some(acme.clone()));
    let others = rig.manager.open("plain", settings());
    rig.echoes(&others.unwrap(), "up").await;
    assert_eq!(rig.manager.owned(&acme), 1);
    rig.manager.disown("feed");
    assert_eq!(rig.manager.owner("feed"), None);
    assert_eq!(rig.manager.owned(&acme), 0);
    rig.manager.remove("feed").await.unwrap();
    assert_eq!(rig.manager.owner("feed"), None);
    rig.manager.open("feed", settings()).unwrap();
    assert_eq!(rig.manager.owner("feed"), None);
}

#[tokio::test]
async fn a_name_outside_the_alphabet_is_refused_with_the_reason() {
    let rig = Rig::new();
    let long = "x".repeat(129);
    for name in [
        "",
        "two words",
        ".first",
        "last-",
        "a..b",
        "ünïcode",
        "a/b",
        &long,
    ] {
        let error = rig
            .manager
            .open(name, quick(rig.peer.url("/echo")))
            .unwrap_err();
        assert!(matches!(error, OpenError::Name(_)), "{name:?}: {error}");
        assert!(!error.to_string().is_empty());
    }
    assert!(rig.manager.is_empty());
    for name in ["a", "A.b_c:d-e9", &"x".repeat(128)] {
        rig.manager
            .open(name, quick(rig.peer.url("/echo")))
            .unwrap();
    }
    assert_eq!(rig.manager.len(), 3);
}

#[tokio::test]
async fn a_removed_name_is_told_closed_and_free_again() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let receipt = feed.send("the last word").unwrap();
    rig.manager.remove("feed").await.unwrap();
    rig.watch.until("removed", removed).await;
    assert!(receipt.now() != Fate::Queued);
    assert_eq!(rig.peer.connections()[0].texts(), ["the last word"]);
    assert_eq!(
        rig.peer.connections()[0].close.as_ref().unwrap().code,
        Some(1001)
    );

    assert!(rig.manager.find("feed").is_none());
    assert_eq!(feed.send("no").unwrap_err(), Rejected::Closed);
    assert_eq!(
        feed.connect(None).await,
        Err(SendError::Rejected(Rejected::Closed))
    );
    assert!(matches!(feed.rotate().await, Err(NotOpen::Gone(_))));
    let gone: ConnectionGone = rig.manager.remove("feed").await.unwrap_err();
    assert!(gone.source().is_none());

    let again = rig.open("/echo");
    let mut watch = Watch::over(again.subscribe(Delivery::default()));
    again.send("hello").unwrap();
    watch.text("hello").await;
    assert_eq!(again.status().await.unwrap().epoch, 2, "another life");
    let other = rig.manager.open("other", quick(rig.peer.url("/echo")));
    assert_eq!(other.unwrap().status().await.unwrap().epoch, 1);
}

/// Whether it is the last event of a name.
fn removed(update: &Update) -> Option<()> {
    (update.kind() == Some(&EventKind::Removed)).then_some(())
}

#[tokio::test]
async fn a_name_in_each_state_can_be_removed() {
    let mut rig = Rig::new();
    for (path, last) in [
        ("/never", "connecting"),
        ("/status/503", "retrying"),
        ("/echo", "ready"),
    ] {
        let _feed = rig.open(path);
        rig.watch
            .until(last, |update| (update.type_name() == last).then_some(()))
            .await;
        rig.manager.remove("feed").await.unwrap();
        rig.watch.until("removed", removed).await;
        assert!(rig.manager.is_empty());
    }
}

#[tokio::test]
async fn names_are_found_and_listed_in_order() {
    let rig = Rig::new();
    for name in ["b", "a.2", "a.1", "c"] {
        let mut settings = quick(rig.peer.url("/echo"));
        settings.enabled = false;
        rig.manager.open(name, settings).unwrap();
    }
    let names = |pattern: &str| -> Vec<String> {
        let pattern = Pattern::new(pattern).unwrap();
        rig.manager
            .list(&pattern)
            .iter()
            .map(|handle| handle.name().to_string())
            .collect()
    };
    assert_eq!(names("*"), ["a.1", "a.2", "b", "c"]);
    assert_eq!(names("a.*,c"), ["a.1", "a.2", "c"]);
    assert!(names("d*").is_empty());
    assert_eq!(rig.manager.find("b").unwrap().name().as_str(), "b");
    assert!(rig.manager.find("d").is_none());
    let statuses = rig.manager.statuses(&Pattern::all()).await;
    assert_eq!(statuses.len(), 4);
    assert!(
        statuses
            .iter()
            .all(|status| status.state == State::Idle && status.ready_state == 3)
    );
}

#[tokio::test]
async fn a_shutdown_drains_closes_and_reports() {
    let mut rig = Rig::new();
    let feed = rig.open("/sink");
    rig.watch.ready().await;
    let receipts: Vec<_> = (0..100)
        .map(|n| feed.send(n.to_string()).unwrap())
        .collect();
    let mut settings = quick(rig.peer.url("/echo?ignore_close=true"));
    settings.close_timeout = SOON * 10;
    rig.manager.open("stubborn", settings).unwrap();
    rig.watch.ready().await;

    let report = rig.manager.shutdown(Duration::from_secs(1)).await;
    assert_eq!(report.closed, 1);
    let left: Vec<_> = report.left.iter().map(|left| left.name.as_str()).collect();
    assert_eq!(left, ["stubborn"]);
    assert!(receipts.iter().all(|receipt| receipt.now() != Fate::Queued));
    let log = rig.peer.connections_at("/sink").remove(0);
    assert_eq!(
        (log.message_count, log.close.unwrap().code),
        (100, Some(1001))
    );
    let error = rig
        .manager
        .open("late", quick(rig.peer.url("/echo")))
        .unwrap_err();
    assert_eq!(error, OpenError::ShutDown);
    assert!(rig.manager.is_empty());
}

#[tokio::test]
async fn a_shutdown_cancels_what_cannot_go_out_and_dials_no_more() {
    let mut rig = Rig::new();
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open("/echo");
    let receipt = feed.send("never").unwrap();
    rig.watch.retrying().await;
    let report = rig.manager.shutdown(SOON).await;
    assert_eq!((report.closed, report.left.len()), (1, 0));
    assert_eq!(receipt.fate(Fate::Written).await, Fate::Cancelled);
    assert_eq!(feed.send("no").unwrap_err(), Rejected::Closed);
}

#[test]
fn a_manager_starts_inside_an_actix_system() {
    actix::System::new().block_on(async {
        let peer = Peer::start().await.unwrap();
        let manager = Manager::start(Settings::default()).unwrap();
        let mut watch = Watch::new(&manager, "*");
        let feed = manager.open("feed", quick(peer.url("/echo"))).unwrap();
        feed.send("from inside").unwrap();
        watch.text("from inside").await;
        let report = manager.shutdown(SOON).await;
        assert_eq!((report.closed, report.left.len()), (1, 0));
    });
}

#[tokio::test]
async fn a_manager_does_not_start_where_no_actix_system_runs_but_spawns() {
    let error = Manager::start(Settings::default()).unwrap_err();
    assert!(matches!(error, StartError::NoSystem));
    let rig = Rig::new();
    let manager = rig.manager.clone();
    let settings = quick(rig.peer.url("/echo"));
    let opened = std::thread::spawn(move || manager.open("elsewhere", settings).map(drop));
    opened.join().unwrap().unwrap();
    assert!(rig.manager.find("elsewhere").is_some());
}

#[test]
fn a_manager_works_without_any_runtime() {
    let peer = Peer::spawn_thread().unwrap();
    let manager = Manager::spawn(Settings::default()).unwrap();
    let feed = manager.open("feed", quick(peer.url("/echo"))).unwrap();
    let receipt = feed.send("no runtime here").unwrap();
    let until = Instant::now() + SOON;
    while receipt.now() != Fate::Written {
        assert!(Instant::now() < until, "not written: {:?}", receipt.now());
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn the_names_of_the_settings_are_opened_and_spread_over_the_arbiters() {
    let peer = Peer::spawn_thread().unwrap();
    let mut settings = Settings::default();
    settings.service.workers = 3;
    for number in 0..12 {
        let name = format!("name-{number}").parse().unwrap();
        settings.connections.insert(name, quick(peer.url("/echo")));
    }
    let manager = Manager::spawn(settings).unwrap();
    assert_eq!(manager.len(), 12);
    let threads = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&threads);
    manager
        .on_event(Pattern::all(), move |_| {
            seen.lock()
                .insert(format!("{:?}", std::thread::current().id()));
        })
        .forever();
    for handle in manager.list(&Pattern::all()) {
        handle.send("hello").unwrap();
    }
    wait_for("all arbiters", async || {
        let count = threads.lock().len();
        if count == 3 { Ok(()) } else { Err(count) }
    })
    .await;
}

#[tokio::test]
async fn settings_that_need_no_new_socket_apply_to_the_one_that_is_up() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let mut settings = quick(rig.peer.url("/echo"));
    settings.outbox.messages = 1;
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(10),
        timeout: SOON,
    };
    let applied = rig
        .manager
        .configure("feed", settings.clone())
        .await
        .unwrap();
    assert!(!applied.reconnect);
    assert_eq!(*rig.manager.settings("feed").unwrap(), settings);
    rig.peer
        .wait_for("/echo", SOON, |log| log.ping_count > 2)
        .await
        .unwrap();
    assert_eq!(
        (
            rig.peer.accepted(),
            feed.status().await.unwrap().incarnation
        ),
        (1, 1)
    );
    assert!(matches!(
        rig.manager.configure("nobody", settings).await,
        Err(ConfigureError::Gone(_))
    ));
}

#[tokio::test]
async fn a_heartbeat_that_is_switched_off_takes_a_socket_that_the_kernel_probes() {
    let mut rig = Rig::new();
    let silent = quick(rig.peer.url("/echo"));
    let mut beating = silent.clone();
    beating.heartbeat = Heartbeat::default();
    let feed = rig.manager.open("feed", beating.clone()).unwrap();
    rig.watch.ready().await;
    let applied = rig.manager.configure("feed", silent).await.unwrap();
    assert!(applied.reconnect);
    rig.watch.rotated().await;
    assert_eq!(feed.status().await.unwrap().incarnation, 2);
    let applied = rig.manager.configure("feed", beating).await.unwrap();
    assert!(!applied.reconnect, "probes do no harm");
}

#[tokio::test]
async fn settings_that_the_socket_depends_on_replace_it_and_lose_nothing() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let mut settings = quick(rig.peer.url("/echo?second"));
    settings.on_open = vec![Opening::Text(Template::literal("login"))];
    let (applied, sent) = tokio::join!(rig.manager.configure("feed", settings), async {
        feed.send("meanwhile")
    });
    assert!(applied.unwrap().reconnect);
    sent.unwrap();
    // The new one is ready before the old one closes.
    let old = rig.watch.rotated().await.old;
    assert_eq!((old.code, old.clean), (1001, true));
    rig.echoes(&feed, "after").await;
    let logs = rig.peer.connections();
    assert_eq!(logs.len(), 2);
    let meanwhile = logs
        .iter()
        .flat_map(|log| log.texts())
        .filter(|text| *text == "meanwhile");
    assert_eq!(meanwhile.count(), 1);
}

#[tokio::test]
async fn new_settings_apply_to_a_name_in_backoff_at_its_next_dial() {
    let mut rig = Rig::new();
    let feed = rig.open("/status/503");
    rig.watch.retrying().await;
    rig.manager
        .configure("feed", quick(rig.peer.url("/echo")))
        .await
        .unwrap();
    rig.watch.ready().await;
    rig.echoes(&feed, "moved").await;
}

#[tokio::test]
async fn a_detour_leads_past_the_network_and_past_no_check() {
    let peer = Peer::start().await.unwrap();
    let manager =
        Manager::spawn_with_detour(Settings::default(), Detour::new(peer.addr())).unwrap();
    let mut events = Watch::new(&manager, "*");
    let mut far = quick("wss://far.example/echo");
    far.dial_policy = DialPolicy::PublicOnly;
    far.proxy = Some(Proxy::Url(
        ProxyUrl::new("http://proxy.example:3128").unwrap(),
    ));
    far.tls.server_name = Some("other.example".into());
    far.source_address = Some("192.0.2.1".parse().unwrap());
    manager.open("far", far).unwrap();
    events.ready().await;
    for url in [
        "ws://127.0.0.1:9/echo",
        "ws://192.168.1.1/echo",
        "ws://service.localhost/echo",
    ] {
        let mut near = quick(url);
        near.dial_policy = DialPolicy::PublicOnly;
        manager.open("near", near).unwrap();
        let cause = events.error().await;
        assert_eq!(cause.kind(), "forbidden", "{url}: {cause}");
        manager.remove("near").await.unwrap();
    }
    assert_eq!(peer.accepted(), 1);
    manager.shutdown(SOON).await;
}
