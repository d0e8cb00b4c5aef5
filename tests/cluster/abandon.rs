//! Names that another node holds now.

use std::{io, time::Instant};

use everwire::{
    Delivery, EventKind, Fate, Manager, Pattern, Rejected, SendError, WriteLease,
    config::Resend,
    connection::session::{Heard, SessionSettings},
    events::{DropReason, SessionEnd},
    hub::Kinds,
    testing::{Ended, How, Peer, Pongs, Script},
};
use futures::future::join_all;

use super::{
    allow, leased,
    relay::Relay,
    support::{SOON, poll_until, rig::*},
};

fn watch_all(manager: &Manager) -> Watch {
    let delivery = Delivery::default().events(100_000).kinds(Kinds::all());
    Watch::over(manager.subscribe(Pattern::all(), delivery))
}

#[tokio::test]
async fn the_peer_sees_a_reset_and_no_byte_more() {
    let peer = Peer::spawn_thread().unwrap();
    let relay = Relay::to(peer.addr()).await;
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "*");
    let feed = manager.open("feed", quick(relay.url("/echo"))).unwrap();
    let epoch = feed.epoch();
    watch.ready().await;
    let session = feed.open_session(SessionSettings::default()).await;
    let (_sender, mut receiver) = session.unwrap().split();
    let before = relay.bytes();

    manager.abandon("feed").await.unwrap();
    assert!(manager.find("feed").is_none());
    assert!(manager.abandon("feed").await.is_err());
    let refused = feed.send("late");
    assert!(matches!(
        refused,
        Err(SendError::Rejected(Rejected::Closed))
    ));
    poll_until("two ends", SOON, || relay.ends().len() == 2).await;
    let reset = Some(io::ErrorKind::ConnectionReset);
    assert_eq!(relay.ends(), [reset, reset]);
    assert_eq!(relay.bytes(), before);
    assert_eq!(receiver.heard().await, Heard::End(SessionEnd::Moved));

    let closed = watch.closed().await;
    assert_eq!((closed.code, closed.clean), (1006, false));
    let session_end = watch.until("the session's end", |update| match update.kind() {
        Some(EventKind::SessionClosed(closed)) => Some(closed.end.clone()),
        _ => None,
    });
    assert_eq!(session_end.await, SessionEnd::Moved);
    watch
        .until("removed", |update| {
            (update.kind() == Some(&EventKind::Removed)).then_some(())
        })
        .await;
    // The name is free, and its epoch is remembered.
    let next = manager.open("feed", quick(relay.url("/echo"))).unwrap();
    assert_eq!(next.epoch(), epoch + 1);
    watch.ready().await;
}

#[tokio::test]
async fn written_messages_end_in_doubt_and_others_are_dropped_as_moved() {
    for resend in [Resend::Never, Resend::InDoubt] {
        let peer = Peer::spawn_thread().unwrap();
        peer.script("/silent", Script::sink().pongs(Pongs::Ignore));
        let lease = WriteLease::new();
        allow(&lease);
        let manager = leased(&lease);
        let mut watch = watch_all(&manager);
        let mut settings = quick(peer.url("/silent"));
        settings.outbox.resend = resend;
        let feed = manager.open("feed", settings).unwrap();
        watch.ready().await;
        let written = feed.send("written").unwrap();
        assert_eq!(written.fate(Fate::Written).await, Fate::Written);
        lease.set(None);
        let unsent = [feed.send("unsent").unwrap(), feed.send("too").unwrap()];
        let waits = tokio::spawn({
            let unsent = unsent[0].clone();
            async move { unsent.fate(Fate::Confirmed).await }
        });

        manager.abandon("feed").await.unwrap();
        assert_eq!(written.now(), Fate::InDoubt);
        assert_eq!(unsent.map(|receipt| receipt.now()), [Fate::Cancelled; 2]);
        assert_eq!(waits.await.unwrap(), Fate::Cancelled);
        assert_eq!(watch.sent(Fate::InDoubt).await.id, written.id());
        let dropped = watch.until("dropped", |update| match update.kind() {
            Some(EventKind::Dropped(dropped)) => Some(*dropped),
            _ => None,
        });
        let dropped = dropped.await;
        assert_eq!((dropped.count, dropped.reason), (2, DropReason::Moved));
        let ended = || peer.connections()[0].ended();
        poll_until("the peer's end", SOON, || ended().is_some()).await;
        assert_eq!(ended(), Some(Ended::ClientReset));
        assert_eq!(peer.connections()[0].texts(), ["written"]);
    }
}

#[tokio::test]
async fn a_thousand_names_go_at_once_while_their_peer_reads_nothing() {
    const NAMES: usize = 1_000;
    rlimit::increase_nofile_limit(8 * NAMES as u64).unwrap();
    let peer = Peer::spawn_thread().unwrap();
    let manager = one_arbiter();
    let handles: Vec<_> = (0..NAMES)
        .map(|number| {
            let mut settings = quick(peer.url("/sink"));
            settings.connect_timeout = 4 * SOON;
            manager.open(format!("n{number}"), settings).unwrap()
        })
        .collect();
    poll_until("all are up", 4 * SOON, || peer.open_count() == NAMES).await;
    poll_until("all have frozen", SOON, || {
        peer.kick_all(How::Freeze);
        peer.connections().iter().all(|log| log.frozen)
    })
    .await;
    let large = "x".repeat(500_000);
    let receipts: Vec<_> = handles
        .iter()
        .map(|handle| handle.send(large.as_str()).unwrap())
        .collect();
    tokio::time::sleep(ms(200)).await;

    let begun = Instant::now();
    let gone = join_all(handles.iter().map(|handle| manager.abandon(handle.name())));
    assert!(gone.await.iter().all(Result::is_ok));
    let took = begun.elapsed();
    assert!(manager.is_empty());
    // Each close would wait for `close_timeout`, five seconds at least.
    assert!(took < ms(4_000), "{took:?}");
    assert!(receipts.iter().all(|receipt| receipt.now().is_final()));
}

#[cfg(feature = "durable")]
mod stored {
    use super::*;
    use crate::support::{TestDir, heard::Heard};

    /// Abandons a durable name with messages. Both processes after it send them once.
    #[tokio::test]
    async fn a_durable_outbox_stays_until_the_name_is_opened_here_again() {
        let dir = TestDir::new("abandoned");
        let heard = Heard::default();
        let peer = Peer::spawn_thread().unwrap();
        peer.script("/", heard.script());
        let nowhere = durable("ws://127.0.0.1:9/");
        let queue = async |manager: &Manager, text: &str| {
            let feed = manager.open("feed", nowhere.clone()).unwrap();
            let receipt = feed.send(text).unwrap();
            assert_eq!(receipt.fate(Fate::Queued).await, Fate::Queued);
            let waits = tokio::spawn({
                let receipt = receipt.clone();
                async move { receipt.fate(Fate::Confirmed).await }
            });
            tokio::task::yield_now().await;
            manager.abandon("feed").await.unwrap();
            assert_eq!(waits.await.unwrap(), Fate::Queued);
            assert_eq!(receipt.fate(Fate::Written).await, Fate::Queued);
            assert!(feed.send("late").is_err());
        };

        let manager = manager_at(dir.path());
        queue(&manager, "1").await;
        // Again in this process, where more is sent.
        let feed = manager.open("feed", durable(peer.url("/"))).unwrap();
        let second = feed.send("2").unwrap();
        assert_eq!(second.id(), 2);
        assert_eq!(second.fate(Fate::Confirmed).await, Fate::Confirmed);
        assert_eq!(heard.numbers(), [1, 2]);
        manager.abandon("feed").await.unwrap();
        queue(&manager, "3").await;
        manager.shutdown(SOON).await;

        // In another process.
        let manager = manager_at(dir.path());
        let feed = manager.open("feed", durable(peer.url("/"))).unwrap();
        let fourth = feed.send("4").unwrap();
        assert_eq!(fourth.id(), 4);
        assert_eq!(fourth.fate(Fate::Confirmed).await, Fate::Confirmed);
        assert_eq!(heard.numbers(), [1, 2, 3, 4]);
        manager.shutdown(SOON).await;
    }
}
