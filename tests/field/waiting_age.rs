//! An outbox whose oldest message is reported as too young, or as not waiting.
//!
//! Reported: an alert on `everwire_outbox_oldest_seconds` stayed silent while a durable backlog of
//! an earlier process waited for a peer that was down, while a full disk kept messages from going
//! out, and after a lost socket had put messages back.

use std::{fs, time::Instant};

use everwire::{
    ConnectionSettings, Fate, Handle, Manager, Settings, State,
    config::{Heartbeat, Resend},
    testing::{How, Peer, Pongs, Script},
};

use crate::support::{TestDir, rig::*};

const NOBODY: &str = "ws://127.0.0.1:1/";

fn manager(dir: &TestDir) -> Manager {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    settings.service.state_dir = dir.path().join("state");
    settings.service.remember = true;
    Manager::spawn(settings).unwrap()
}

fn idle(url: &str) -> ConnectionSettings {
    let mut settings = quick(url);
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(60_000),
        timeout: ms(60_000),
    };
    settings.enabled = false;
    settings
}

fn durable() -> ConnectionSettings {
    let mut settings = idle(NOBODY);
    settings.outbox.durable = true;
    settings
}

/// Asserts that the oldest message has waited at least since `accepted`.
async fn has_waited_since(feed: &Handle, accepted: Instant) {
    let least = accepted.elapsed();
    let outbox = feed.status().await.unwrap().outbox;
    assert!(
        outbox.oldest.is_some_and(|age| age >= least),
        "{outbox:?}, {least:?}"
    );
}

#[tokio::test]
async fn a_message_of_an_earlier_process_has_waited_since_it_was_accepted() {
    let dir = TestDir::new("waiting-age");
    let first = manager(&dir);
    let feed = first.open("feed", durable()).unwrap();
    let receipt = feed.send("one").unwrap();
    assert_eq!(receipt.fate(Fate::Queued).await, Fate::Queued);
    let accepted = Instant::now();
    has_waited_since(&feed, accepted).await;
    first.shutdown(ms(5_000)).await;

    let second = manager(&dir);
    let feed = second.open("feed", durable()).unwrap();
    has_waited_since(&feed, accepted).await;
    feed.send("two").unwrap().fate(Fate::Queued).await;
    has_waited_since(&feed, accepted).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_message_that_waits_for_the_store_waits() {
    let dir = TestDir::new("waiting-store");
    let manager = manager(&dir);
    let feed = manager.open("feed", durable()).unwrap();
    let state = dir.path().join("state");
    fs::rename(&state, dir.path().join("away")).unwrap();
    fs::write(&state, "no directory").unwrap();
    let receipt = feed.send("one").unwrap();
    let accepted = Instant::now();
    has_waited_since(&feed, accepted).await;
    assert_eq!(receipt.now(), Fate::Accepted);
}

#[tokio::test]
async fn a_message_that_is_to_be_sent_again_has_waited_since_it_was_accepted() {
    let peer = Peer::spawn_thread().unwrap();
    let reset = Script::sink().pongs(Pongs::Ignore).await_messages(2);
    peer.script("/", reset.end(How::Reset));
    let manager = one_arbiter();
    let mut settings = idle(&peer.url("/"));
    settings.enabled = true;
    settings.outbox.resend = Resend::InDoubt;
    let feed = manager.open("feed", settings).unwrap();
    let receipt = feed.send("one").unwrap();
    let accepted = Instant::now();
    receipt.fate(Fate::Written).await;
    let outbox = feed.status().await.unwrap().outbox;
    assert_eq!((outbox.messages, outbox.oldest), (1, None), "it is written");
    peer.stop_listening().await.unwrap();
    feed.send("two").unwrap();
    wait_for("the messages wait again", async || {
        let status = feed.status().await.unwrap();
        match status.state {
            State::Open => Err(status),
            _ => Ok(()),
        }
    })
    .await;
    has_waited_since(&feed, accepted).await;
}
