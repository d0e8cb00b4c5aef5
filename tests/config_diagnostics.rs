//! The messages for wrong configurations: `tests/config/*.toml`, with the expected messages beside
//! each.
//!
//! `EVERWIRE_BLESS=1` writes the present messages; read the difference before you commit it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "config/memory.rs"]
mod memory;

use std::{env, fs, path::Path};

use everwire::config::Settings;
use memory::Memory;

#[test]
fn each_wrong_file_is_told_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config");
    let mut cases = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        cases += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let source = Memory::default()
            .with_variable("SECRET", "do not print me\u{7}")
            .with_file("ragged.csv", "name,host\na,b\nc\n,d\n\"x\"y,z\n")
            .with_file("names.txt", "good\nnot good\n")
            .with_file(name, &fs::read_to_string(&path).unwrap());
        let errors = Settings::load_with(name, &source).unwrap_err();
        let told = format!("{errors}\n{}\n", errors.render(false));
        assert!(!told.contains("do not print me"), "{told}");
        let expected = path.with_extension("txt");
        if env::var_os("EVERWIRE_BLESS").is_some() {
            fs::write(&expected, &told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(&expected).unwrap(), "{name}");
    }
    assert_eq!(cases, 7);
}

#[test]
fn a_place_is_told_by_line_and_column_in_characters() {
    let errors = Memory::default()
        .read("# ä\n[connections.a]\nurl = 'wss://h'\ntags = ['ä', 5]")
        .unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        (error.line, error.column, error.text.as_str()),
        (4, 14, "5")
    );
    assert_eq!(error.file, "<toml>");
}

#[test]
fn a_secret_before_it_does_not_move_the_column() {
    let text = "[connections.a]\nurl = 'wss://h'\nheaders = { A = 'ü€😀', 'a b' = 'x' }";
    let errors = Memory::default().read(text).unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        (error.line, error.column, error.text.as_str()),
        (3, 24, "'a b'")
    );
    assert!(!errors.to_string().contains('ü'), "{errors}");
}

#[test]
fn a_message_is_one_line_though_what_it_quotes_is_two() {
    let errors = Memory::default()
        .with_variable("HOST", "example.com")
        .read("[connections.a]\nurl = \"\"\"s://${HOST}/a\nb\"\"\"")
        .unwrap_err();
    let error = errors.iter().next().unwrap();
    assert_eq!(
        error.message,
        r"invalid WebSocket URL `s://${HOST}/a\nb` when its variables are expanded"
    );
}

#[test]
fn programs_get_the_same_as_json() {
    let errors = Memory::default()
        .read("[defaults]\nidle_timeout = '10 sec'")
        .unwrap_err();
    let expected = serde_json::json!({
        "errors": [{
            "file": "<toml>", "line": 2, "column": 16, "text": "'10 sec'",
            "message": "invalid duration `10 sec`", "help": "write \"10s\"", "related": null,
        }],
        "omitted": 0,
    });
    assert_eq!(serde_json::to_value(&errors).unwrap(), expected);
}

#[test]
fn colour_is_only_added() {
    let errors = Memory::default().read("x = 1").unwrap_err();
    assert!(errors.render(true).contains("\u{1b}["));
    assert!(!errors.render(false).contains('\u{1b}'));
}
