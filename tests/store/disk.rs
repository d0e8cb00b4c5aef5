//! A full disk, and a read-only one: on separate file systems in child processes, so that nothing
//! else is affected.

use std::{fs, process::Command};

use everwire::store::StoreError;

use super::*;
use crate::support::child::{self, in_a_file_system_of};

#[test]
fn a_full_disk_fails_one_commit_and_the_next_succeeds_when_there_is_room() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(
            2,
            "disk::a_full_disk_fails_one_commit_and_the_next_succeeds_when_there_is_room",
        );
    };
    let dir = dir.join("state");
    let ballast = dir.with_file_name("ballast");
    fs::write(&ballast, vec![0; 1 << 20]).unwrap();
    let (mut store, _) = open(&dir);
    let mut accepted = 0;
    let error = loop {
        match put(&mut store, "feed", bulk(accepted + 1, 10_000)) {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(accepted > 20, "{accepted} fitted in");
    for _ in 0..3 {
        let error = put(&mut store, "feed", bulk(accepted + 1, 200_000)).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    }

    fs::remove_file(&ballast).unwrap();
    put(&mut store, "feed", bulk(accepted + 1, 10_000)).unwrap();
    drop(store);
    let feed = state(&read(&dir), "feed");
    let expected: Vec<_> = (1..=accepted + 1).map(|id| bulk(id, 10_000)).collect();
    assert!(feed.outbox == expected, "{:?}", ids(&feed));
}

#[test]
fn what_a_store_has_held_before_it_holds_again_on_a_full_disk() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(
            64,
            "disk::what_a_store_has_held_before_it_holds_again_on_a_full_disk",
        );
    };
    let (mut store, _) = open(&dir.join("state"));
    let feed = name("feed");
    let mut batch = Batch::default();
    let mut replace = |store: &mut Store, id: u64| {
        batch.clear();
        batch.put_message(&feed, bulk(id, 50_000));
        batch.drop_through(&feed, id.saturating_sub(20));
        store.commit(&batch, Sync::Always)
    };
    (1..=500).for_each(|id| replace(&mut store, id).unwrap());
    let full = fs::write(dir.join("ballast"), vec![0; 64 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    (501..=1500).for_each(|id| replace(&mut store, id).unwrap());
    drop(store);
    let expected: Vec<u64> = (1481..=1500).collect();
    assert_eq!(ids(&state(&read(&dir.join("state")), "feed")), expected);
}

#[test]
fn a_full_disk_is_told_when_the_store_is_opened() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(2, "disk::a_full_disk_is_told_when_the_store_is_opened");
    };
    let full = fs::write(dir.join("ballast"), vec![0; 4 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let error = Store::open(&dir.join("state")).expect_err("no room");
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("make room"), "{error}");
    fs::remove_file(dir.join("ballast")).unwrap();
    open(&dir.join("state"));
}

#[test]
fn a_read_only_file_system_is_told() {
    let Some(dir) = child::dir() else {
        return in_a_file_system_of(2, "disk::a_read_only_file_system_is_told");
    };
    drop(open(&dir.join("state")));
    let mounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&dir)
        .status()
        .unwrap();
    assert!(mounted.success());
    for path in [dir.join("state"), dir.join("new")] {
        let error = Store::open(&path).expect_err("it is read-only");
        assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
        assert!(error.to_string().contains("can be written to"), "{error}");
    }
}
