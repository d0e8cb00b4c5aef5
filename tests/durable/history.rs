//! Messages of the peer that a later process reads again.

use std::path::Path;

use everwire::{
    ConnectionSettings, Events, Notice, Update, core::Cursor, events::Lagged, testing::Peer,
};
use futures::StreamExt as _;
use tokio::time::timeout;

use super::{torn::copy_of, *};

fn messages_only() -> Delivery {
    let kinds = Kinds::none().with("message").unwrap();
    Delivery::default().events(100_000).kinds(kinds)
}

async fn next(events: &mut Events) -> Update {
    let update = timeout(SOON, events.next()).await.expect("an update");
    update.expect("the stream has ended")
}

/// The next messages: their positions and texts.
async fn read(events: &mut Events, count: usize) -> Vec<(Cursor, String)> {
    let mut read = Vec::new();
    while read.len() < count {
        let update = next(events).await;
        let Some((stamp, message)) = update.message() else {
            panic!("instead of a message {update:?}, after {read:?}");
        };
        read.push((stamp.cursor, message.as_text().unwrap().to_owned()));
    }
    read
}

/// Asserts that the reader learns of a possible loss.
async fn is_told_of_a_loss(events: &mut Events) {
    let update = next(events).await;
    assert!(
        matches!(
            update,
            Update::Notice(Notice::Lagged(Lagged { missed: None, .. }))
        ),
        "{update:?}"
    );
}

#[tokio::test]
async fn a_later_process_reads_on_where_a_reader_has_stopped() {
    let dir = TestDir::new("durable-history");
    let peer = Peer::spawn_thread().unwrap();
    let mut settings = quick(peer.url("/feed?every=2ms&count=40"));
    settings.history.durable = true;
    settings.history.messages = 30;
    let first = manager_at(dir.path());
    let mut events = first.subscribe(Pattern::all(), messages_only());
    first.open("feed", settings.clone()).unwrap();
    let heard = read(&mut events, 40).await;
    end(first).await;

    let second = manager_at(dir.path());
    settings.enabled = false;
    second.open("feed", settings).unwrap();
    // The kept messages are there: thirty.
    for (stopped, kept) in [(19, 20), (35, 36), (9, 10), (3, 10)] {
        let mut events = second.resume(Pattern::all(), messages_only(), Some(heard[stopped].0));
        if stopped + 1 < kept {
            is_told_of_a_loss(&mut events).await;
        }
        assert_eq!(read(&mut events, 40 - kept).await, heard[kept..]);
    }
}

#[tokio::test]
async fn what_is_said_after_a_restart_follows_what_was_said_before() {
    let dir = TestDir::new("durable-history");
    let peer = Peer::spawn_thread().unwrap();
    let mut settings = quick(peer.url("/echo"));
    settings.history.durable = true;
    settings.history.messages = 100;
    let mut said = Vec::new();
    for life in 1..=3 {
        let manager = manager_at(dir.path());
        let feed = manager.open("feed", settings.clone()).unwrap();
        let mut events = manager.resume(Pattern::all(), messages_only(), Some(Cursor::default()));
        // There may have been processes before the first.
        is_told_of_a_loss(&mut events).await;
        let text = format!("life {life}");
        feed.send(text.as_str()).unwrap();
        let told = read(&mut events, life).await;
        assert_eq!(told[..life - 1], said, "what earlier processes heard");
        assert_eq!(told[life - 1].1, text);
        assert!(told.is_sorted_by_key(|(cursor, _)| *cursor));
        said = told;
        end(manager).await;
    }
}

#[tokio::test]
async fn a_history_that_is_not_durable_ends_with_its_process_and_says_so() {
    let dir = TestDir::new("durable-history");
    let peer = Peer::spawn_thread().unwrap();
    let mut settings = quick(peer.url("/echo"));
    settings.history.messages = 100;
    let first = manager_at(dir.path());
    let mut events = first.subscribe(Pattern::all(), messages_only());
    let feed = first.open("feed", settings.clone()).unwrap();
    feed.send("before").unwrap();
    let heard = read(&mut events, 1).await;
    end(first).await;

    let second = manager_at(dir.path());
    let feed = second.open("feed", settings).unwrap();
    let mut events = second.resume(Pattern::all(), messages_only(), Some(heard[0].0));
    is_told_of_a_loss(&mut events).await;
    feed.send("after").unwrap();
    assert_eq!(read(&mut events, 1).await[0].1, "after");
}

/// An echo with a durable and a non-durable name, in a first process that has received two
/// messages; and their positions.
async fn heard_before(dir: &Path) -> (Manager, ConnectionSettings, [Cursor; 2]) {
    let peer = Peer::spawn_thread().unwrap();
    let mut settings = quick(peer.url("/echo"));
    settings.history.durable = true;
    settings.history.messages = 100;
    let first = manager_at(dir);
    let mut events = first.subscribe(Pattern::all(), messages_only());
    let feed = first.open("feed", settings.clone()).unwrap();
    first.open("silent", settings.clone()).unwrap();
    for text in ["first", "second"] {
        feed.send(text).unwrap();
    }
    let heard = read(&mut events, 2).await;
    settings.enabled = false;
    (first, settings, [heard[0].0, heard[1].0])
}

#[tokio::test]
async fn an_orderly_restart_leaves_nothing_to_doubt_and_a_kill_does() {
    let dir = TestDir::new("durable-history");
    let (first, settings, [_, heard]) = heard_before(dir.path()).await;
    // A copy of the disk of a killed process.
    assert!(first.written().await);
    let killed = copy_of(dir.path());
    end(first).await;

    for (dir, is_told) in [(&dir, false), (&killed, true)] {
        let second = manager_at(dir.path());
        for name in ["feed", "silent"] {
            second.open(name, settings.clone()).unwrap();
        }
        let mut events = second.resume(Pattern::all(), messages_only(), Some(heard));
        if is_told {
            is_told_of_a_loss(&mut events).await;
        }
        assert!(
            timeout(ms(50), events.next()).await.is_err(),
            "nothing more"
        );
        end(second).await;
    }
}

#[tokio::test]
async fn what_a_name_said_that_is_not_opened_again_is_told_as_a_loss() {
    let dir = TestDir::new("durable-history");
    let (first, settings, [before_last, last]) = heard_before(dir.path()).await;
    end(first).await;
    for _ in 0..2 {
        let manager = manager_at(dir.path());
        manager.open("silent", settings.clone()).unwrap();
        let told = |since| manager.resume(Pattern::all(), messages_only(), Some(since));
        is_told_of_a_loss(&mut told(before_last)).await;
        assert!(timeout(ms(50), told(last).next()).await.is_err());
        end(manager).await;
    }
}

#[tokio::test]
async fn what_was_said_before_a_history_became_durable_is_kept_as_well() {
    let dir = TestDir::new("durable-history");
    let peer = Peer::spawn_thread().unwrap();
    let mut settings = quick(peer.url("/echo"));
    settings.history.messages = 100;
    let first = manager_at(dir.path());
    let mut events = first.subscribe(Pattern::all(), messages_only());
    let feed = first.open("feed", settings.clone()).unwrap();
    for text in ["first", "second"] {
        feed.send(text).unwrap();
    }
    let heard = read(&mut events, 2).await;
    settings.history.durable = true;
    first.configure("feed", settings.clone()).await.unwrap();
    end(first).await;

    let second = manager_at(dir.path());
    settings.enabled = false;
    second.open("feed", settings).unwrap();
    let mut events = second.resume(Pattern::all(), messages_only(), Some(heard[0].0));
    assert_eq!(read(&mut events, 1).await, heard[1..]);
}
