//! Every example is run, and every shipped configuration is read.

use std::{
    collections::BTreeSet,
    env, fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use everwire::{
    Settings,
    config::{Source, System},
};

const DEADLINE: Duration = Duration::from_secs(60);

/// The lines that each example must print, in this order.
const EXAMPLES: [(&str, &[&str]); 7] = [
    ("actors", &["* prices: hello from prices", "closed: 3"]),
    (
        "feed",
        &[
            "messages/s",
            "callback",
            "stream",
            "actor",
            "p99.9 ms",
            "sent and heard",
            "sent and heard",
            "sent and heard",
        ],
    ),
    (
        "from_tokio",
        &[
            "received: first",
            "lost: ",
            "received: second",
            "second: Confirmed",
            "closed: 1",
        ],
    ),
    (
        "many",
        &[
            "100 of 1000 up after",
            "1000 of 1000 up",
            "1000 of 1000 echoes",
            "1000 closed, 0 left",
        ],
    ),
    (
        "original",
        &[
            "original: the opening data",
            "original: a second later",
            "original: closed, code 1000",
        ],
    ),
    (
        "protocol",
        &[
            "logged in",
            "trade: 100",
            "lost: eof",
            "next dial in",
            "logged in",
            "trade: 101",
            "another socket has taken over",
            "trade: 102",
        ],
    ),
    (
        "text_heartbeat",
        &[
            "up",
            "lost: pong_timeout",
            "next dial in",
            "up",
            "received: anybody there?",
        ],
    ),
];

#[test]
fn all_examples_are_known() {
    let found: BTreeSet<String> = files("examples", "rs")
        .iter()
        .map(|path| stem(path))
        .collect();
    let known: BTreeSet<String> = EXAMPLES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn actors_hear_three_names() {
    run("actors");
}

#[test]
fn feed_hears_all_that_is_sent_by_each_kind_of_reader() {
    run("feed");
}

#[test]
fn original_says_what_the_javascript_class_did() {
    run("original");
}

#[test]
fn many_brings_a_thousand_names_up_and_down() {
    run("many");
}

#[test]
fn protocol_logs_in_loses_its_socket_and_logs_in_again() {
    run("protocol");
}

#[test]
fn text_heartbeat_replaces_a_silent_server() {
    run("text_heartbeat");
}

#[test]
fn from_tokio_sends_over_an_outage() {
    run("from_tokio");
}

#[test]
fn every_file_in_config_is_valid() {
    let found = files("config", "toml");
    let names: BTreeSet<String> = found.iter().map(|path| stem(path)).collect();
    for name in ["demo", "everwire", "full"] {
        assert!(names.contains(name), "config/{name}.toml was not found");
    }
    for path in found {
        if let Err(errors) = Settings::load_with(&path, &WithPeer) {
            panic!("{}: {errors}", path.display());
        }
    }
}

#[test]
fn every_example_of_a_dialogue_is_valid() {
    let found = files("examples/dialogue", "toml");
    assert!(found.len() >= 5, "{found:?}");
    for path in found {
        let settings = Settings::load_with(&path, &Anything);
        let settings = settings.unwrap_or_else(|errors| panic!("{}: {errors}", path.display()));
        let mut names = settings.connections.values();
        assert!(
            names.all(|name| name.dialogue.is_some()),
            "{}",
            path.display()
        );
    }
}

/// This system, with a value for each variable.
struct Anything;

impl Source for Anything {
    fn variable(&self, name: &str) -> Option<String> {
        Some(format!("the value of {name}"))
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        System.list(path)
    }
}

/// This system, with the variable that the demo sets for its own file.
struct WithPeer;

impl Source for WithPeer {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "DEMO_PEER" => Some("127.0.0.1:9".to_owned()),
            other => System.variable(other),
        }
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        System.list(path)
    }
}

/// Runs an example, twenty times faster than for a person.
fn run(name: &str) {
    let (_, expected) = EXAMPLES.iter().find(|(known, _)| *known == name).unwrap();
    let mut child = Command::new(built().join(name))
        .env("EVERWIRE_EXAMPLE_SPEED", "20")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let until = Instant::now() + DEADLINE;
    while !reader.is_finished() && Instant::now() < until {
        thread::park_timeout(Duration::from_millis(5));
    }
    let in_time = reader.is_finished();
    if !in_time {
        child.kill().unwrap();
    }
    let stdout = reader.join().unwrap().unwrap();
    let status = child.wait().unwrap();
    assert!(in_time, "{name} still runs after {DEADLINE:?}: {stdout}");
    assert!(status.success(), "{name} failed: {stdout}");
    let mut rest = stdout.as_str();
    for wanted in *expected {
        let Some(at) = rest.find(wanted) else {
            panic!("{name} did not print {wanted:?} in its place: {stdout}");
        };
        rest = &rest[at + wanted.len()..];
    }
}

/// The folder of the examples, built as they are now.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // This test is target/PROFILE/deps/examples-HASH.
        let exe = env::current_exe().unwrap();
        let profile = exe.ancestors().nth(2).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--workspace", "--examples"]);
        cargo.arg("--target-dir").arg(profile.parent().unwrap());
        cargo.current_dir(root());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        // Variables that cargo set for this test would make build scripts run again.
        for (key, _) in env::vars_os() {
            let key = key.to_string_lossy();
            if [
                "CARGO_PKG_",
                "CARGO_MANIFEST_",
                "CARGO_CRATE_",
                "CARGO_BIN_",
            ]
            .iter()
            .any(|told| key.starts_with(told))
            {
                cargo.env_remove(&*key);
            }
        }
        let status = cargo.status().unwrap();
        assert!(status.success(), "the examples cannot be built");
        profile.join("examples")
    })
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    fs::read_dir(root().join(folder))
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
