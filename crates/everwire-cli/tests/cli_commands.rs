//! The commands that print something and end: what they print, and their exit codes.

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
