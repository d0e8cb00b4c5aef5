//! `everwire init`: configurations to start from.

mod service_support;

use std::{collections::BTreeSet, fs, path::PathBuf};

use service_support::{everwire, root, run, stderr, stdout};

/// The recipes in `config/recipes`.
fn shipped() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("config/recipes")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| name.strip_suffix(".toml").unwrap().to_owned())
        .collect()
}

/// A folder for the test that does not exist yet.
fn folder(test: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    folder
}

#[test]
fn every_template_is_written_and_passes_the_check() {
    let folder = folder("init-recipes");
    for recipe in ["minimal", "fleet", "exchange", "chargers"] {
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
fn without_a_name_all_are_listed_each_with_what_it_needs() {
    let listed = run(&["init"]);
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    let listed = stdout(&listed);
    let names: BTreeSet<String> = listed
        .lines()
        .skip(1)
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let mut expected = shipped();
    assert_eq!(expected.len(), 16);
    expected.extend(["minimal", "fleet", "exchange", "chargers"].map(String::from));
    assert_eq!(names, expected);
    let okx = listed
        .lines()
        .find(|line| line.starts_with("okx "))
        .unwrap();
    assert!(okx.contains("your orders"), "{okx}");
    assert!(okx.ends_with("OKX_KEY, OKX_PASS, OKX_SECRET"), "{okx}");
}

#[test]
fn a_recipe_is_written_with_its_comments_as_it_is_shipped() {
    let folder = folder("init-servers");
    for recipe in shipped() {
        let shipped = root().join(format!("config/recipes/{recipe}.toml"));
        let shipped = fs::read_to_string(shipped).unwrap();
        let path = folder.join(format!("{recipe}.toml"));
        let path = path.to_str().unwrap();
        let written = run(&["init", &recipe, "--out", path]);
        assert_eq!(written.status.code(), Some(0), "{written:?}");
        assert_eq!(fs::read_to_string(path).unwrap(), shipped, "{recipe}");
    }
}

#[test]
fn the_check_says_what_is_missing_and_nothing_else() {
    let folder = folder("init-missing");
    let path = folder.join("slack.toml");
    let path = path.to_str().unwrap();
    let written = run(&["init", "slack", path]);
    assert!(
        stdout(&written).contains("it needs SLACK_APP_TOKEN"),
        "{written:?}"
    );
    let missing = everwire(&["check", path])
        .env_remove("SLACK_APP_TOKEN")
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    let told = stderr(&missing);
    assert!(
        told.contains("the environment variable `SLACK_APP_TOKEN` is not set"),
        "{told}"
    );
    let there = everwire(&["check", path])
        .env("SLACK_APP_TOKEN", "xapp-1")
        .output()
        .unwrap();
    assert_eq!(there.status.code(), Some(0), "{there:?}");
}

#[test]
fn folders_that_are_made_are_told() {
    let folder = folder("init-folders");
    let path = folder.join("deep/everwire.toml");
    let written = run(&["init", "minimal", "--out", path.to_str().unwrap()]);
    let told = stdout(&written);
    let deep = folder.join("deep");
    let made = format!(
        "{} is a new folder\n{} is a new folder\n{} is written: ",
        folder.display(),
        deep.display(),
        path.display()
    );
    assert!(told.starts_with(&made), "{told}");
    let again = run(&["init", "minimal", "--force", path.to_str().unwrap()]);
    assert!(!stdout(&again).contains("new folder"), "{again:?}");
}

#[test]
fn a_name_that_is_nearly_right_is_told() {
    let unknown = run(&["init", "home-asistant"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    let told = stderr(&unknown);
    assert!(
        told.contains("a similar value exists: 'home-assistant'"),
        "{told}"
    );
    let alone = run(&["init", "--out", "x.toml"]);
    assert_eq!(alone.status.code(), Some(2), "{alone:?}");
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
