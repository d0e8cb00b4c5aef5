//! A disk that fills up while the process runs, on a file system of its own in a child process.

use std::fs;

use everwire::{EventKind, Rejected, testing::Peer};

use super::*;
use crate::support::child::{self, in_a_file_system_of};

/// A numbered message that soon fills the disk.
fn bulk(number: u64) -> String {
    format!("{number}:{}", "x".repeat(10_000))
}

#[tokio::test]
async fn a_full_disk_refuses_messages_loses_none_and_is_over_when_there_is_room() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(
            2,
            "disk::a_full_disk_refuses_messages_loses_none_and_is_over_when_there_is_room",
        );
    };
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let heard = Heard::default();
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", heard.script());
    peer.stop_listening().await.unwrap();
    let manager = manager_at(&dir.join("state"));
    let mut watch = watch(&manager);
    let feed = manager.open("feed", durable(peer.url("/"))).unwrap();

    // One after the other, until the store cannot take an accepted message.
    let mut queued = 0;
    let waiting = loop {
        let receipt = feed.send(bulk(queued + 1)).unwrap();
        let fate = tokio::select! {
            fate = receipt.fate(Fate::Queued) => fate,
            cause = store_error(&mut watch) => {
                assert!(cause.contains("no space is left"), "{cause}");
                break receipt;
            }
        };
        assert_eq!(fate, Fate::Queued);
        queued += 1;
    };
    assert!(queued > 20, "{queued} fitted in");
    assert_eq!(waiting.now(), Fate::Accepted, "it keeps its place");
    assert_eq!(feed.send("too much").unwrap_err(), Rejected::NotStored);
    assert_eq!(feed.send("still").unwrap_err(), Rejected::NotStored);

    fs::remove_file(&ballast).unwrap();
    assert_eq!(waiting.fate(Fate::Queued).await, Fate::Queued);
    queue(&feed, [queued + 2]).await;
    peer.resume().await.unwrap();
    drained(&feed).await;
    assert_eq!(heard.numbers(), Vec::from_iter(1..=queued + 2));
    let errors = watch.seen().iter();
    let errors =
        errors.filter(|event| event.contains(r#""type":"error","#) && event.contains("no space"));
    assert_eq!(errors.count(), 1, "told once");
}

/// The text of the next store error.
async fn store_error(watch: &mut Watch) -> String {
    watch
        .until("an error of the store", |update| match update.kind() {
            Some(EventKind::Error(report)) if report.cause.kind() == "store" => {
                Some(report.cause.to_string())
            }
            _ => None,
        })
        .await
}
