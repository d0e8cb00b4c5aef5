//! No write begins without the lease; what waits goes out once, in order.

use everwire::{
    Fate, Manager, Message, WriteLease,
    connection::session::{Heard, SessionSettings},
    testing::{Peer, Script},
};

use super::{
    allow, leased,
    relay::Relay,
    support::{Foreign, PrivateCa, SOON, TestDir, poll_until, rig::*},
};

/// Long enough for what should not come.
const WHILE: std::time::Duration = std::time::Duration::from_millis(300);

/// Sends messages while the lease is gone and then there again.
async fn waits_for_the_lease(
    lease: &WriteLease,
    relay: &Relay,
    manager: &Manager,
    feed: &everwire::Handle,
) {
    let mut watch = Watch::new(manager, "feed");
    feed.send("before").unwrap();
    watch.text("before").await;
    for round in 0..3 {
        lease.set(None);
        let before = relay.bytes();
        // Of one write, and of many: the writer gathers small messages.
        let large = "x".repeat(200_000);
        let texts: Vec<String> = (0..40)
            .map(|number| match number % 10 {
                5 => format!("{round}.{number} {large}"),
                _ => format!("{round}.{number}"),
            })
            .collect();
        let receipts: Vec<_> = texts
            .iter()
            .map(|text| feed.send(text.as_str()).unwrap())
            .collect();
        tokio::time::sleep(WHILE).await;
        assert_eq!(relay.bytes(), before);
        assert!(receipts.iter().all(|receipt| receipt.now() == Fate::Queued));
        allow(lease);
        for text in &texts {
            assert_eq!(watch.message().await, Message::from(text.as_str()));
        }
    }
    feed.send("after").unwrap();
    assert_eq!(watch.message().await, Message::from("after"));
    assert_eq!(relay.accepted(), 1);
}

#[tokio::test]
async fn what_was_to_be_written_without_the_lease_arrives_once_in_order() {
    let peer = Peer::spawn_thread().unwrap();
    let relay = Relay::to(peer.addr()).await;
    let lease = WriteLease::new();
    allow(&lease);
    let manager = leased(&lease);
    let feed = manager.open("feed", quick(relay.url("/echo"))).unwrap();
    waits_for_the_lease(&lease, &relay, &manager, &feed).await;
}

#[tokio::test]
async fn the_same_holds_below_tls() {
    let dir = TestDir::new("lease-tls");
    let ca = PrivateCa::new(dir.path());
    let server = Foreign::Python.start(Some(&ca));
    let url = url::Url::parse(&server.tls_url("/echo")).unwrap();
    let port = url.port().unwrap();
    let relay = Relay::to(([127, 0, 0, 1], port).into()).await;
    let lease = WriteLease::new();
    allow(&lease);
    let manager = leased(&lease);
    let mut settings = quick(format!("wss://localhost:{}/echo", relay.addr.port()));
    settings.tls.ca_file = Some(ca.ca_file.clone());
    let feed = manager.open("feed", settings).unwrap();
    waits_for_the_lease(&lease, &relay, &manager, &feed).await;
}

#[tokio::test]
async fn reading_goes_on_without_the_lease() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/sink", Script::sink());
    let lease = WriteLease::new();
    allow(&lease);
    let manager = leased(&lease);
    let mut watch = Watch::new(&manager, "feed");
    let _feed = manager.open("feed", quick(peer.url("/sink"))).unwrap();
    watch.ready().await;
    lease.set(None);
    for number in 0..100 {
        peer.send("/sink", number.to_string());
        watch.text(&number.to_string()).await;
    }
}

#[tokio::test]
async fn dials_successors_and_sessions_begin_no_write_either() {
    let peer = Peer::spawn_thread().unwrap();
    let relay = Relay::to(peer.addr()).await;
    let lease = WriteLease::new();
    let manager = leased(&lease);
    let mut watch = Watch::new(&manager, "feed");
    let feed = manager.open("feed", quick(relay.url("/echo"))).unwrap();
    poll_until("a connection", SOON, || relay.accepted() == 1).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(relay.bytes(), 0);
    allow(&lease);
    watch.ready().await;
    let settled = relay.bytes();
    assert!(settled > 0);

    lease.set(None);
    feed.rotate().await.unwrap();
    let session = tokio::spawn({
        let feed = feed.clone();
        async move { feed.open_session(SessionSettings::default()).await }
    });
    poll_until("two more connections", SOON, || relay.accepted() == 3).await;
    tokio::time::sleep(WHILE).await;
    assert_eq!(relay.bytes(), settled);
    allow(&lease);
    watch.rotated().await;
    let (sender, mut receiver) = session.await.unwrap().unwrap().split();

    lease.set(None);
    let settled = relay.bytes();
    sender.send("by session".into()).await.unwrap();
    tokio::time::sleep(WHILE).await;
    assert_eq!(relay.bytes(), settled);
    allow(&lease);
    let heard = receiver.heard().await;
    assert_eq!(heard, Heard::Message("by session".into()));
}
