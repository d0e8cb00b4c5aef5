//! A `state_dir` that cannot be used: nothing is half started, and the error says what would be
//! right.

use std::{fs, path::Path};

use everwire::{
    manager::{OpenError, StartError},
    store::StoreError,
};

use super::*;

fn refusal(state_dir: &Path) -> String {
    match try_manager_at(state_dir, |service| service.remember = true) {
        Err(StartError::Store(error)) => format!("the store cannot be opened: {error}"),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("{} was taken", state_dir.display()),
    }
}

#[tokio::test]
async fn the_second_manager_on_a_directory_is_refused_and_told_who_has_it() {
    let dir = TestDir::new("durable-two");
    let first = manager_at(dir.path());
    let pid = std::process::id();
    let error = try_manager_at(dir.path(), |service| service.remember = true);
    assert!(
        matches!(&error, Err(StartError::Store(StoreError::InUse { pid: Some(other), .. })) if *other == pid),
        "{error:?}"
    );
    assert!(refusal(dir.path()).contains(&format!("(process {pid}); stop that one")));

    // A manager without durable state may run beside it, until it has something to store.
    let second = try_manager_at(dir.path(), |_| {}).unwrap();
    let url = "ws://127.0.0.1:1/";
    second.open("light", quick(url)).unwrap();
    let Err(OpenError::Store(text)) = second.open("feed", durable(url)) else {
        panic!("two managers share a directory");
    };
    assert!(text.contains(&format!("(process {pid})")), "{text}");
    assert!(second.find("feed").is_none());

    end(first).await;
    second.open("feed", durable(url)).unwrap();
    end(second).await;
    manager_at(dir.path());
}

#[tokio::test]
async fn a_file_in_the_place_of_the_directory_is_told() {
    let parent = TestDir::new("durable-file");
    let dir = parent.path().join("state");
    fs::write(&dir, "no directory").unwrap();
    for path in [dir.clone(), dir.join("below")] {
        let error = refusal(&path);
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(error.contains("state_dir must be a directory"), "{error}");
    }
    let idle = try_manager_at(&dir, |_| {}).unwrap();
    let Err(OpenError::Store(text)) = idle.open("feed", durable("ws://127.0.0.1:1/")) else {
        panic!("{} was taken", dir.display());
    };
    assert!(text.contains("state_dir must be a directory"), "{text}");
    assert!(idle.is_empty());
}
