//! A database of the first releases, whose history does not record subscriptions.

use std::{fs, os::unix::fs::FileExt};

use everwire::store::StoredEvent;
use rusqlite::Connection;

use super::*;
use crate::support::TestDir;

/// A history of this many messages, in the tables of the first releases.
fn earlier(count: u64) -> TestDir {
    let dir = TestDir::new("store-earlier");
    let (mut store, _) = open(dir.path());
    let mut batch = Batch::default();
    for seq in 1..=count {
        batch.append_history(&name("feed"), event(seq, seq));
    }
    store.commit(&batch, Sync::Always).unwrap();
    drop(store);
    let database = Connection::open(dir.path().join("store.db")).unwrap();
    database
        .execute_batch(
            "ALTER TABLE history DROP COLUMN subscription; PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .unwrap();
    dir
}

/// The same event without the fields that those tables do not have.
fn without_key(event: StoredEvent) -> StoredEvent {
    StoredEvent {
        subscription: None,
        ..event
    }
}

#[test]
fn what_it_holds_is_read_and_what_comes_says_more() {
    let dir = earlier(4);
    let (mut store, recovered) = open(dir.path());
    let known: Vec<_> = (1..=4).map(|seq| without_key(event(seq, seq))).collect();
    assert_eq!(state(&recovered, "feed").history, known);
    let mut batch = Batch::default();
    batch.append_history(&name("feed"), event(6, 6));
    store.commit(&batch, Sync::Always).unwrap();
    drop(store);
    let history = state(&read(dir.path()), "feed").history;
    assert_eq!(history.last(), Some(&event(6, 6)));
    assert!(event(6, 6).subscription.is_some());
    assert_eq!(history[..4], known);
}

#[test]
fn what_an_earlier_release_writes_is_read() {
    let dir = earlier(1);
    drop(open(dir.path()));
    let database = Connection::open(dir.path().join("store.db")).unwrap();
    let at = event(2, 2).at.as_microsecond();
    database
        .execute(
            "INSERT INTO history (position, name, epoch, seq, at, payload) VALUES (2, 1, 1, 2, ?1, 'event 2')",
            [at],
        )
        .unwrap();
    drop(database);
    let history = state(&read(dir.path()), "feed").history;
    assert_eq!(history.last(), Some(&without_key(event(2, 2))));
}

#[test]
fn its_history_is_saved_where_it_is_damaged() {
    let dir = earlier(3000);
    let database = dir.path().join("store.db");
    let pages = fs::metadata(&database).unwrap().len() / 4096;
    let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    file.write_all_at(&[0xa5; 4096], pages / 2 * 4096).unwrap();
    drop(file);
    let (_store, recovered) = open(dir.path());
    assert!(recovered.damage.is_some());
    let history = state(&recovered, "feed").history;
    assert!(history.len() > 2500, "{}", history.len());
    assert_eq!(history[0], without_key(event(1, 1)));
}
