//! A database that is damaged, not only torn: it is set aside, and the readable part is recovered.

use std::{fs, io::Write, os::unix::fs::FileExt};

use super::*;
use crate::support::TestDir;

/// A directory with this many messages in the database itself, and an empty log.
fn with_messages(count: u64) -> TestDir {
    let dir = TestDir::new("store-damage");
    let (mut store, _) = open(dir.path());
    let mut batch = Batch::default();
    (1..=count).for_each(|id| batch.put_message(&name("feed"), message(id)));
    batch.set_epoch(&name("feed"), 3);
    batch.set_closed(&name("closed"), true);
    batch.put("secret", "token", b"value");
    store.commit(&batch, Sync::Always).unwrap();
    dir
}

#[test]
fn a_file_that_is_no_database_is_set_aside_and_the_store_opens() {
    let dir = TestDir::new("store-garbage");
    let garbage = vec![0x42; 10_000];
    fs::write(dir.path().join("store.db"), &garbage).unwrap();
    let (mut store, recovered) = open(dir.path());
    let damage = recovered.damage.expect("told");
    assert_eq!((damage.saved, damage.complete), (0, false));
    assert!(
        damage.reason.contains("not a database"),
        "{}",
        damage.reason
    );
    assert_eq!(
        fs::read(damage.moved_to.join("store.db")).unwrap(),
        garbage,
        "kept as it was"
    );
    put(&mut store, "feed", message(1)).unwrap();
    drop(store);
    let recovered = read(dir.path());
    assert_eq!(recovered.damage, None);
    assert_eq!(ids(&state(&recovered, "feed")), [1]);
}

#[test]
fn what_lies_before_and_behind_a_broken_page_is_saved() {
    let dir = with_messages(5000);
    let database = dir.path().join("store.db");
    let pages = fs::metadata(&database).unwrap().len() / 4096;
    assert!(pages > 30, "{pages}");
    let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    file.write_all_at(&[0xa5; 4096], pages / 2 * 4096).unwrap();
    drop(file);

    let (store, recovered) = open(dir.path());
    let damage = recovered.damage.clone().expect("told");
    let feed = state(&recovered, "feed");
    assert_eq!(damage.saved, feed.outbox.len() as u64);
    assert!(!damage.complete);
    assert!((4500..5000).contains(&damage.saved), "{damage:?}");
    assert_eq!((feed.outbox[0].id, feed.last_id, feed.epoch), (1, 5000, 3));
    assert!(ids(&feed).is_sorted());
    assert!(state(&recovered, "closed").closed_by_hand);
    assert_eq!(
        store.list("secret").unwrap(),
        [("token".to_owned(), b"value".to_vec())]
    );
    drop(store);
    assert_eq!(read(dir.path()).names, recovered.names);
}

#[test]
fn any_page_may_be_broken_and_the_store_still_opens() {
    let dir = with_messages(600);
    let whole = fs::read(dir.path().join("store.db")).unwrap();
    for page in 0..whole.len() / 4096 {
        for pattern in [0x00, 0xff, 0x0d] {
            let dir = TestDir::new("store-page");
            let mut broken = whole.clone();
            broken[page * 4096..(page + 1) * 4096].fill(pattern);
            fs::write(dir.path().join("store.db"), broken).unwrap();
            let (mut store, recovered) = open(dir.path());
            let feed = state(&recovered, "feed");
            for stored in &feed.outbox {
                assert_eq!(*stored, message(stored.id), "page {page} of {pattern:#x}");
            }
            put(&mut store, "feed", message(feed.last_id + 1)).unwrap();
        }
    }
}

#[test]
fn a_database_that_was_cut_short_is_saved_as_far_as_it_goes() {
    let dir = with_messages(5000);
    let database = dir.path().join("store.db");
    let length = fs::metadata(&database).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .unwrap()
        .set_len(length / 2)
        .unwrap();
    let recovered = read(dir.path());
    let damage = recovered.damage.expect("told");
    assert!(damage.saved > 1000, "{damage:?}");
}

#[test]
fn a_rescue_that_was_interrupted_is_begun_again_or_completed() {
    let dir = with_messages(10);
    let (database, rebuilt) = (dir.path().join("store.db"), dir.path().join("rebuilt.db"));
    // Before the damaged one was set aside: the half-built one is discarded.
    fs::File::create(&rebuilt)
        .unwrap()
        .write_all(b"half")
        .unwrap();
    assert_eq!(state(&read(dir.path()), "feed").outbox.len(), 10);
    assert!(!rebuilt.exists());
    // After it: the rebuilt one replaces it, and no old log is read into it.
    fs::rename(&database, &rebuilt).unwrap();
    fs::write(dir.path().join("store.db-wal"), "an old log").unwrap();
    assert_eq!(state(&read(dir.path()), "feed").outbox.len(), 10);
    assert!(!rebuilt.exists());
}
