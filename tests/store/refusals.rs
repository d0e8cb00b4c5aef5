//! Refusals of the store, and their errors.

use std::{fs, os::unix::fs::PermissionsExt};

use everwire::store::StoreError;
use rusqlite::Connection;

use super::*;
use crate::support::TestDir;

fn refusal(dir: &Path) -> StoreError {
    match Store::open(dir) {
        Ok(_) => panic!("{} was opened", dir.display()),
        Err(error) => error,
    }
}

#[test]
fn the_directory_and_its_files_are_for_their_owner_alone() {
    let parent = TestDir::new("store-modes");
    let dir = parent.path().join("a/state");
    let (mut store, _) = open(&dir);
    put(&mut store, "feed", message(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 4, "database, log, its index, lock");
}

#[test]
fn a_second_opener_is_told_who_has_the_directory() {
    let dir = TestDir::new("store-lock");
    let first = open(dir.path());
    let error = refusal(dir.path());
    assert!(
        matches!(&error, StoreError::InUse { pid, .. } if *pid == Some(std::process::id())),
        "{error:?}"
    );
    assert!(
        !error.can_pass(),
        "this process is to have another directory"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    drop(first);
    open(dir.path());
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let dir = TestDir::new("store-newer");
    open(dir.path());
    let shell = Connection::open(dir.path().join("store.db")).unwrap();
    shell.pragma_update(None, "user_version", 7).unwrap();
    drop(shell);
    let error = refusal(dir.path());
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 7,
                known: 1,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!error.can_pass());
    assert!(
        error.to_string().contains("run the version that wrote it"),
        "{error}"
    );
    let shell = Connection::open(dir.path().join("store.db")).unwrap();
    let version: i64 = shell
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 7);
}

#[test]
fn a_file_in_the_directorys_place_is_told() {
    let parent = TestDir::new("store-file");
    let dir = parent.path().join("state");
    fs::write(&dir, "no directory").unwrap();
    for path in [dir.clone(), dir.join("below")] {
        let error = refusal(&path);
        assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
        assert!(!error.can_pass());
        assert!(
            error.to_string().contains("state_dir must be a directory"),
            "{error}"
        );
    }
}

#[test]
fn while_an_operators_shell_writes_a_commit_is_refused_and_can_be_repeated() {
    let dir = TestDir::new("store-busy");
    let (mut store, _) = open(dir.path());
    put(&mut store, "feed", message(1)).unwrap();
    let shell = Connection::open(dir.path().join("store.db")).unwrap();
    let waiting: (String, String, i64, String) = shell
        .query_row("SELECT name, at, bytes, payload FROM waiting", [], |row| {
            row.try_into()
        })
        .unwrap();
    let at = "2023-11-14 22:13:20.000";
    assert_eq!(waiting, ("feed".into(), at.into(), 9, "message 1".into()));

    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = put(&mut store, "feed", message(2)).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    shell.execute_batch("ROLLBACK").unwrap();
    put(&mut store, "feed", message(2)).unwrap();
    drop((store, shell));
    assert_eq!(ids(&state(&read(dir.path()), "feed")), [1, 2]);
}
