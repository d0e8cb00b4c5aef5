//! `everwire init`: configurations to start from.

mod service_support;

use std::{fs, path::PathBuf};

use service_support::{run, stderr, stdout};

/// A folder of the test's own that is not there yet.
fn folder(test: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

#[test]
fn every_recipe_is_written_and_passes_the_check() {
    let folder = folder("init-recipes");
    for recipe in ["minimal", "fleet", "exchange", "chargers", "slack"] {
        let path = folder.join(format!("{recipe}.toml"));
        let path = path.to_str().unwrap();
        let written = run(&["init", recipe, path]);
        assert_eq!(written.status.code(), Some(0), "{written:?}");
        let checked = run(&["check", path]);
        assert_eq!(checked.status.code(), Some(0), "{checked:?}");
        let shown = run(&["init", recipe, "-"]);
        assert_eq!(stdout(&shown), fs::read_to_string(path).unwrap());
    }
    let unknown = run(&["init", "nothing"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    assert!(stderr(&unknown).contains("exchange"), "{unknown:?}");
}

#[test]
fn a_file_that_is_there_is_kept_unless_it_is_said_otherwise() {
    let folder = folder("init-kept");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("mine.toml");
    fs::write(&path, "mine").unwrap();
    let args = ["init", "minimal", path.to_str().unwrap(), "--force"];
    let refused = run(&args[..3]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(stderr(&refused).contains("--force"), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(run(&args).status.code(), Some(0));
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("schema_version")
    );
}
