//! Files that are deleted or moved while the store has them open.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

use everwire::store::StoreError;

use super::*;
use crate::support::TestDir;

/// A store with one record of each kind.
fn filled(dir: &Path) -> Store {
    let (mut store, _) = open(dir);
    let mut batch = Batch::default();
    let feed = name("feed");
    (1..=50).for_each(|id| batch.put_message(&feed, message(id)));
    batch.set_epoch(&feed, 7);
    batch.set_closed(&name("shut"), true);
    batch.append_history(&feed, event(9, 3));
    batch.put("value", "key", b"value");
    store.commit(&batch, Sync::Lazy).unwrap();
    store
}

/// Asserts that the store notices it, creates the files again, and goes on with all data.
fn goes_on(mut store: Store, dir: &Path) {
    let error = put(&mut store, "feed", message(51)).unwrap_err();
    assert!(matches!(&error, StoreError::Lost { path } if *path == dir.join("store.db")));
    assert!(matches!(
        store.check_place().unwrap_err(),
        StoreError::Lost { .. }
    ));
    let remade = store.remake().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((remade.saved, remade.complete), (50, true));
    store.check_place().unwrap();
    put(&mut store, "feed", message(51)).unwrap();
    let mut batch = Batch::default();
    batch.drop_through(&name("feed"), 2);
    store.commit(&batch, Sync::Always).unwrap();
    is_whole(dir.to_owned());
    drop(store);
    is_whole(dir.to_owned());
}

/// Asserts what the next process finds, both after an orderly end and after a kill.
fn is_whole(dir: PathBuf) {
    let copy = TestDir::new("store-moved-copy");
    for file in ["store.db", "store.db-wal"] {
        // A closed store has no log.
        let _absent = fs::copy(dir.join(file), copy.path().join(file));
    }
    let (store, recovered) = open(copy.path());
    assert_eq!(recovered.damage, None);
    let feed = state(&recovered, "feed");
    assert_eq!(ids(&feed), Vec::from_iter(3..=51));
    assert_eq!((feed.epoch, feed.history), (7, vec![event(9, 3)]));
    assert!(state(&recovered, "shut").closed_by_hand);
    let kept = store.list("value").unwrap();
    assert_eq!(kept, [("key".to_owned(), b"value".to_vec())]);
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const USUAL: [&str; 4] = ["lock", "store.db", "store.db-shm", "store.db-wal"];

#[test]
fn each_file_that_is_deleted_is_noticed_and_made_anew_and_nothing_is_lost() {
    for file in USUAL {
        let dir = TestDir::new("store-moved-file");
        let store = filled(dir.path());
        fs::remove_file(dir.path().join(file)).unwrap();
        println!("{file}");
        goes_on(store, dir.path());
    }
}

#[test]
fn any_number_of_files_and_the_directory_itself_may_go() {
    for files in 1..16_u32 {
        let parent = TestDir::new("store-moved-files");
        let dir = parent.path().join("state");
        let store = filled(&dir);
        let gone = USUAL
            .iter()
            .enumerate()
            .filter(|(at, _)| files & (1 << at) != 0);
        gone.for_each(|(_, file)| fs::remove_file(dir.join(file)).unwrap());
        if files == 15 {
            fs::remove_dir(&dir).unwrap();
        }
        println!("{files:04b}");
        goes_on(store, &dir);
    }
}

#[test]
fn a_directory_that_was_moved_away_keeps_what_it_had_and_another_is_made() {
    let parent = TestDir::new("store-moved-away");
    let (dir, away) = (parent.path().join("state"), parent.path().join("away"));
    let store = filled(&dir);
    fs::rename(&dir, &away).unwrap();
    let log = fs::metadata(away.join("store.db-wal")).unwrap().len();
    goes_on(store, &dir);
    assert_eq!(names(&away), USUAL);
    assert_eq!(fs::metadata(away.join("store.db-wal")).unwrap().len(), log);
    assert_eq!(ids(&state(&read(&away), "feed")).len(), 50);
}

#[test]
fn another_database_in_its_place_is_set_aside_whole() {
    let parent = TestDir::new("store-moved-other");
    let (dir, other) = (parent.path().join("state"), parent.path().join("other"));
    let mut foreign = filled(&other);
    put(&mut foreign, "theirs", message(1)).unwrap();
    // As a kill leaves it: with a log.
    let left = parent.path().join("left");
    fs::create_dir(&left).unwrap();
    for file in ["store.db", "store.db-wal"] {
        fs::copy(other.join(file), left.join(file)).unwrap();
    }
    let store = filled(&dir);
    fs::remove_dir_all(&dir).unwrap();
    fs::rename(&left, &dir).unwrap();
    goes_on(store, &dir);
    let aside = names(&dir)
        .into_iter()
        .find(|name| name.starts_with("displaced-"))
        .unwrap();
    let aside = read(&dir.join(aside));
    assert_eq!(ids(&state(&aside, "theirs")), [1]);
}

#[test]
fn another_database_alone_is_set_aside_without_our_log() {
    let parent = TestDir::new("store-moved-file-other");
    let (dir, other) = (parent.path().join("state"), parent.path().join("other"));
    let mut foreign = filled(&other);
    put(&mut foreign, "theirs", message(1)).unwrap();
    // An orderly end: everything is in the database.
    drop(foreign);
    let store = filled(&dir);
    fs::rename(other.join("store.db"), dir.join("store.db")).unwrap();
    goes_on(store, &dir);
    let aside = names(&dir)
        .into_iter()
        .find(|name| name.starts_with("displaced-"))
        .unwrap();
    assert_eq!(names(&dir.join(&aside)), ["store.db"]);
    let aside = read(&dir.join(aside));
    assert_eq!(ids(&state(&aside, "theirs")), [1]);
}

#[test]
fn as_long_as_it_cannot_be_made_anew_nothing_is_lost_or_left_lying() {
    let parent = TestDir::new("store-moved-hopeless");
    let dir = parent.path().join("state");
    let mut store = filled(&dir);
    fs::remove_dir_all(&dir).unwrap();
    fs::write(&dir, "no directory").unwrap();
    for _ in 0..3 {
        let error = store.remake().unwrap_err();
        assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
        put(&mut store, "feed", message(51)).unwrap_err();
    }
    fs::remove_file(&dir).unwrap();
    // Another process is faster.
    let (other, _) = open(&dir);
    let error = store.remake().unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error:?}");
    assert_eq!(names(&dir), USUAL);
    drop(other);
    goes_on(store, &dir);
}

#[test]
fn a_store_that_is_where_it_was_stays_as_it_is() {
    let dir = TestDir::new("store-moved-not");
    let mut store = filled(dir.path());
    let inode = |file| fs::metadata(dir.path().join(file)).unwrap().ino();
    let before = USUAL.map(inode);
    store.check_place().unwrap();
    assert!(store.remake().unwrap().complete);
    assert_eq!(USUAL.map(inode), before);
}

#[test]
fn what_cannot_be_read_from_the_open_files_either_is_told() {
    let dir = TestDir::new("store-moved-damaged");
    let mut store = filled(dir.path());
    // More than a database keeps in memory.
    let mut batch = Batch::default();
    (1..=600).for_each(|id| batch.put_message(&name("bulky"), bulk(id, 10_000)));
    store.commit(&batch, Sync::Always).unwrap();
    for file in ["store.db", "store.db-wal"] {
        let path = dir.path().join(file);
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(0)
            .unwrap();
        fs::remove_file(path).unwrap();
    }
    let remade = store.remake().unwrap();
    assert!(!remade.complete, "{remade:?}");
    put(&mut store, "feed", message(51)).unwrap();
    drop(store);
    assert!(ids(&state(&read(dir.path()), "feed")).contains(&51));
}

#[test]
fn a_making_anew_that_was_interrupted_leaves_nothing_that_the_next_start_would_take() {
    let dir = TestDir::new("store-moved-interrupted");
    drop(filled(dir.path()));
    fs::write(dir.path().join("remade.db"), "half a database").unwrap();
    fs::write(dir.path().join("remade.db-journal"), "and its journal").unwrap();
    drop(open(dir.path()));
    assert_eq!(names(dir.path()), ["lock", "store.db"]);
    assert_eq!(ids(&state(&read(dir.path()), "feed")).len(), 50);
}
