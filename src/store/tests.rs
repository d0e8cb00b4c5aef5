//! Tests of internals.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::*;
use crate::core::{ConnectionName, Message};

/// Removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("everwire-{name}-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}

fn name() -> ConnectionName {
    ConnectionName::new("feed").unwrap()
}

fn message(id: u64, size: usize) -> StoredMessage {
    StoredMessage {
        id,
        at: Timestamp::UNIX_EPOCH,
        expires_at: None,
        message: Message::binary(vec![7; size]),
    }
}

fn put(store: &mut Store, id: u64, size: usize) -> Result<(), StoreError> {
    let mut batch = Batch::default();
    batch.put_message(&name(), message(id, size));
    store.commit(&batch, Sync::Always)
}

fn ids(dir: &Path) -> Vec<u64> {
    let (_store, recovered) = Store::open(dir).unwrap();
    recovered.names[&name()]
        .outbox
        .iter()
        .map(|message| message.id)
        .collect()
}

#[test]
fn a_commit_that_finds_no_room_changes_nothing_and_can_be_repeated() {
    let dir = Scratch::new("store-full");
    let (mut store, _) = Store::open(&dir.0).unwrap();
    put(&mut store, 1, 100).unwrap();
    let set_limit = |store: &Store, pages: i64| {
        let set = store.connection().unwrap().pragma_update_and_check(
            None,
            "max_page_count",
            pages,
            |_| Ok(()),
        );
        set.unwrap();
    };
    set_limit(&store, 20);
    let mut batch = Batch::default();
    batch.drop_through(&name(), 1);
    batch.put_message(&name(), message(2, 100));
    batch.put_message(&ConnectionName::new("other").unwrap(), message(1, 100));
    batch.put_message(&name(), message(3, 100_000));
    for _ in 0..2 {
        let error = store.commit(&batch, Sync::Always).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    }
    put(&mut store, 4, 100).unwrap();
    let in_between = Recovered::read(store.connection().unwrap()).unwrap();
    let waiting: Vec<u64> = in_between.names[&name()]
        .outbox
        .iter()
        .map(|message| message.id)
        .collect();
    assert_eq!(waiting, [1, 4]);
    set_limit(&store, 1_000_000);
    store.commit(&batch, Sync::Always).unwrap();
    drop(store);
    assert_eq!(ids(&dir.0), [2, 3, 4]);
}

#[test]
fn a_sync_in_doubt_moves_the_log_into_the_database_first() {
    let dir = Scratch::new("store-doubt");
    let (mut store, _) = Store::open(&dir.0).unwrap();
    put(&mut store, 1, 100).unwrap();
    // Before that the message is only in the log.
    let copied = || {
        let database = std::fs::read(dir.0.join("store.db")).unwrap();
        database.windows(100).any(|bytes| bytes == [7; 100])
    };
    assert!(!copied());
    store.doubtful = true;
    store.sync().unwrap();
    assert!(copied() && !store.doubtful);
    put(&mut store, 2, 100).unwrap();
    drop(store);
    assert_eq!(ids(&dir.0), [1, 2]);
}

#[test]
fn a_database_that_is_almost_empty_gives_its_space_back_when_it_is_opened() {
    let dir = Scratch::new("store-shrink");
    let (mut store, _) = Store::open(&dir.0).unwrap();
    put(&mut store, 1, 100).unwrap();
    for id in 2..=9 {
        put(&mut store, id, 10 << 20).unwrap();
    }
    let mut batch = Batch::default();
    batch.drop_ids(&name(), 2, 9);
    store.commit(&batch, Sync::Lazy).unwrap();
    drop(store);
    let size = || std::fs::metadata(dir.0.join("store.db")).unwrap().len();
    assert!(size() > 80 << 20);
    assert_eq!(ids(&dir.0), [1]);
    assert!(size() < 1 << 20, "{}", size());
}

#[test]
fn a_batch_that_waits_keeps_what_matters_in_the_end_and_no_more() {
    let (other, mut batch) = (ConnectionName::new("other").unwrap(), Batch::default());
    for round in 1..=100 {
        batch.put("kind", "key", &[round; 1000]);
        batch.put("kind", "gone", b"value");
        batch.delete("kind", "gone");
        batch.set_closed(&name(), round % 2 == 1);
        batch.set_epoch(&name(), round.into());
        batch.put_message(&other, message(round.into(), 100));
    }
    batch.forget(&other);
    batch.put_message(&other, message(101, 100));
    batch.put_message(&name(), message(1, 100));
    batch.compact();
    assert_eq!(batch.len(), 7, "{batch:?}");

    let dir = Scratch::new("store-compact");
    let (mut store, _) = Store::open(&dir.0).unwrap();
    store.commit(&batch, Sync::Always).unwrap();
    assert_eq!(
        store.list("kind").unwrap(),
        [("key".to_owned(), vec![100; 1000])]
    );
    drop(store);
    let (_, recovered) = Store::open(&dir.0).unwrap();
    let mine = &recovered.names[&name()];
    assert_eq!(
        (mine.epoch, mine.closed_by_hand, mine.last_id),
        (100, false, 1)
    );
    let ids = |name| {
        recovered.names[name]
            .outbox
            .iter()
            .map(|message| message.id)
    };
    assert_eq!(Vec::from_iter(ids(&other)), [101]);
}
