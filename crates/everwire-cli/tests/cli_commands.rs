//! The commands that print something and end: their output, and their exit codes.

mod service_support;

use serde_json::Value;
use service_support::{everwire, file, run, stderr, stdout};

const VALID: &str = "[connections.feed]\nurl = 'ws://127.0.0.1:1/'\n[connections.\"a.b\"]\nurl = 'ws://127.0.0.1:1/'\n";
const INVALID: &str = "[connections.feed]\nurl = 'http://127.0.0.1:1/'\nreconect = 'never'\n";

#[test]
fn a_valid_file_is_said_to_be_so() {
    let path = file("check-valid", VALID);
    let output = run(&["check", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stdout(&output).contains("valid, 2 connections"),
        "{output:?}"
    );
    let output = run(&["check", "--json", path.to_str().unwrap()]);
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&answer["valid"], &answer["connections"]),
        (&true.into(), &2.into())
    );
}

#[test]
fn all_errors_of_an_invalid_file_are_told_at_once() {
    let path = file("check-invalid", INVALID);
    let output = run(&["check", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(stdout(&output), "");
    let told = stderr(&output);
    for part in [
        "http://127.0.0.1:1/",
        "must be ws or wss",
        "reconect",
        "reconnect",
        ":2:",
        ":3:",
    ] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    assert!(
        !told.contains('\x1b'),
        "colours outside of a terminal: {told:?}"
    );
}

#[test]
fn errors_can_be_read_by_programs() {
    let path = file("check-json", INVALID);
    let output = run(&["check", "--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["valid"], false);
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{answer}");
    for (error, line) in errors.iter().zip([2, 3]) {
        assert_eq!(error["line"], line, "{answer}");
        assert!(
            error["column"].is_u64() && error["message"].is_string() && error["file"].is_string(),
            "{answer}"
        );
    }
}

#[test]
fn the_configuration_is_found_by_the_environment() {
    let path = file("check-environment", VALID);
    let output = everwire(&["check"])
        .env("EVERWIRE_CONFIG", &path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_file_that_is_not_there_is_an_invalid_configuration() {
    for command in ["check", "run"] {
        let output = run(&[command, "/nowhere/everwire.toml"]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            stderr(&output).contains("/nowhere/everwire.toml"),
            "{output:?}"
        );
    }
}

#[test]
fn nothing_starts_on_an_invalid_file() {
    let path = file("run-invalid", INVALID);
    let output = run(&["run", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(stdout(&output), "", "nothing is logged");
    assert!(stderr(&output).contains("reconect"), "{output:?}");
}

/// A build without the feature `nats` has no bridge, and reports that before anything starts.
#[cfg(not(feature = "nats"))]
#[test]
fn a_bridge_that_this_program_lacks_is_refused() {
    let bridge = "[nats]\nservers = ['nats://127.0.0.1:4222']\nin = {}\n[connections.a]\nurl = 'ws://127.0.0.1:1/'\n";
    let path = file("without-nats", bridge);
    let path = path.to_str().unwrap();
    for command in ["check", "run"] {
        let output = run(&[command, path]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(stdout(&output), "", "nothing is logged");
        let told = stderr(&output);
        for part in [
            "feature_missing: this program was built without the feature `nats`",
            "without-nats.toml:1:1",
            "cargo install --locked --path crates/everwire-cli --features nats",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }
    let answer: Value = serde_json::from_str(&stdout(&run(&["check", "--json", path]))).unwrap();
    assert_eq!(answer["valid"], false, "{answer}");
    assert_eq!(answer["errors"][0]["line"], 1, "{answer}");
}

/// With a bridge, `check` lists what it bridges.
#[cfg(feature = "nats")]
#[test]
fn a_check_says_what_is_bridged() {
    let bridge = "[nats]\nservers = ['nats://127.0.0.1:4222']\nin = {}\n[connections.a]\nurl = 'ws://127.0.0.1:1/'\n";
    let path = file("with-nats", bridge);
    let path = path.to_str().unwrap();
    let output = run(&["check", path]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = stdout(&output);
    assert!(
        told.contains("publishes the messages of all names (1 name) to everwire.in.NAME"),
        "{told}"
    );
    let answer: Value = serde_json::from_str(&stdout(&run(&["check", "--json", path]))).unwrap();
    assert_eq!(answer["nats"].as_array().map(Vec::len), Some(2), "{answer}");
    let missing = bridge.replace("in = {}", "nkey_file = 'none.nk'\nin = {}");
    let path = file("with-missing-nkey", &missing);
    let output = run(&["check", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = stderr(&output);
    assert!(told.contains("none.nk cannot be read"), "{told}");
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    for args in [
        &["no-such-command"][..],
        &["check", "--no-such-flag"],
        &["demo", "--for", "soon"],
        &[],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    assert_eq!(run(&["--help"]).status.code(), Some(0));
    let version = run(&["--version"]);
    assert_eq!(
        stdout(&version).trim(),
        concat!("everwire ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_schema_is_a_json_schema_of_the_file() {
    let output = run(&["schema"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let schema: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(
        schema["$schema"]
            .as_str()
            .is_some_and(|text| text.contains("json-schema.org")),
        "{schema}"
    );
    assert!(schema["properties"]["connections"].is_object(), "{schema}");
}

#[test]
fn each_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let script = stdout(&output);
        assert!(
            script.contains("everwire") && script.contains("completions"),
            "{shell}: {script}"
        );
    }
    assert_eq!(run(&["completions", "cmd.exe"]).status.code(), Some(2));
}

const EXPLAINED: &str = r#"
[connections.okx]
url = "wss://ws.example.com/private?key=${PATH}"
headers = { Authorization = "Bearer plain-secret" }
open_script = [{ send = '{"op":"login","key":"${PATH}"}', expect = '/event == "login"', fail = '/event == "error"', within = "5s" }]
rules = [{ when = 'exists(/ping)', send = '{"pong":${/ping}}', deliver = false }]
[fleet.sensor]
name = "sensor-{i:03}"
range = [1, 999]
url = "wss://h/{name}"
"#;

#[test]
fn what_connections_will_do_is_told_in_words() {
    let path = file("check-explain", EXPLAINED);
    let path = path.to_str().unwrap();
    let output = run(&["check", path, "--explain"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = stdout(&output);
    let expected = format!(
        r#"{path}: valid, 1000 connections

okx
  dials      wss://ws.example.com/private?key=${{PATH}}
             with the headers Authorization
             gives up a dial after 10s
  opening    step 1 sends {{"op":"login","key":"${{PATH}}"}}
               expects /event == "login" within 5s
               is refused, and the name tries again after reconnect.max, when /event == "error"
             then it is ready, and its outbox is sent
  rules      rule 1 when exists(/ping): answers {{"pong":${{/ping}}}}
               subscribers do not see the message
  heartbeat  a WebSocket ping every 10s; the socket is lost when its pong has not come after 20s
  losses     dials again after 100ms to 500ms, drawn; then up to 2 times as long each time, at most 30s
             counts from the start again once a socket was up for 10s
  sends      up to 1024 messages of 4MiB wait in the outbox; further ones are rejected
             what a lost socket leaves in doubt is not sent again
  receives   messages of up to 16MiB, in frames of up to 16MiB
             keeps the last 100 messages, up to 256KiB, in memory
  reads      of the environment: PATH

sensor-001 … sensor-999 (999 names) do the same
  dials      wss://h/{{name}}
"#
    );
    assert!(told.starts_with(&expected), "{told}");
    assert!(!told.contains("plain-secret"), "{told}");

    let output = run(&["check", path, "--explain", "sensor-01*", "okx", "--json"]);
    let answer: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(answer["valid"], true, "{answer}");
    let explained = &answer["explained"];
    assert_eq!(explained[0]["names"], serde_json::json!(["okx"]));
    assert_eq!(explained[1]["names"].as_array().unwrap().len(), 10);
    let opening = &explained[0]["sections"][1];
    assert_eq!(opening["subject"], "opening");
    assert_eq!(
        opening["lines"][0]["details"][0],
        "expects /event == \"login\" within 5s"
    );

    for (args, part) in [
        (
            &["check", path, "--explain", "okex"][..],
            "no connection is \"okex\"; there are okx",
        ),
        (&["check", "--explain", "okx"], "config/everwire.toml"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(part), "{output:?}");
    }
    // Without names there is nothing to report.
    assert!(!stdout(&run(&["check", path])).contains("dials"));
}

/// The commands and options in the README exist, according to the help.
#[test]
fn the_commands_of_the_readme_are_those_of_the_program() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let lines = readme
        .lines()
        .filter_map(|line| line.strip_prefix("everwire "));
    let mut checked = 0;
    for line in lines.filter(|line| !line.starts_with("keeps ")) {
        let command = line.split(" # ").next().unwrap();
        let mut words = command.split_whitespace();
        let help = run(&[words.next().unwrap(), "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}: {help:?}");
        for option in words.filter(|word| word.starts_with("--")) {
            assert!(stdout(&help).contains(option), "{command}: no {option}");
        }
        checked += 1;
    }
    assert!(checked >= 10, "only {checked} commands were found");
}
