//! A folder of configuration: a TOML file, and further parts separated by lines of `===`.
//!
//! The parts are `a.toml`, `rows.csv`, `names.txt`, the variable `NO_PROXY`, and `b.toml`.

#![no_main]

use std::collections::BTreeMap;

use everwire::{
    ConnectionSettings, Settings,
    config::{Diagnostics, Proxy},
};
use everwire_fuzz::{memory::Memory, write::toml};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value as Json;

/// The value of all variables; no input contains it.
const SECRET: &str = "pAss-w0rd.0f.The-fuzz";

/// The number of connections that are checked: those of a fleet are similar.
const LOOKED_AT: usize = 4;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(input) else {
        return Corpus::Reject;
    };
    if text.contains(SECRET) || may_be_a_large_fleet(text) {
        return Corpus::Reject;
    }
    let mut parts = text.split("\n===\n");
    let mut part = || parts.next().unwrap_or_default();
    let files = BTreeMap::from([
        ("etc/a.toml", part()),
        ("etc/rows.csv", part()),
        ("etc/names.txt", part()),
    ]);
    let source = variables(Memory::default(), part());
    let source = files
        .iter()
        .fold(source, |source, (path, text)| source.with_file(path, text));
    let more = part();
    let source = if more.is_empty() {
        source
    } else {
        source.with_file("etc/b.toml", more)
    };
    let files = files.into_iter().chain([("etc/b.toml", more)]).collect();

    let result = Settings::load_with("etc", &source);
    let again = Settings::load_with("etc", &source);
    assert_eq!(
        result.as_ref().map(comparable),
        again.as_ref().map(comparable),
        "the second reading differs"
    );
    match result {
        Ok(settings) => told_without_secrets(&settings, &source),
        Err(errors) => told_where_they_are(&errors, &files),
    }
    Corpus::Keep
});

fn variables(source: Memory, no_proxy: &str) -> Memory {
    source
        .with_variable("SECRET", SECRET)
        .with_variable("CONTROL", &format!("{SECRET}\u{7}"))
        .with_variable("EMPTY", "")
        .with_variable("HOST", "example.com")
        .with_variable("HTTPS_PROXY", &format!("http://me:{SECRET}@proxy:3128"))
        .with_variable("NO_PROXY", no_proxy)
}

/// A million names are allowed, but slow.
fn may_be_a_large_fleet(text: &str) -> bool {
    let number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && word.len() > 3;
    let words = |text: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .any(number)
    };
    let until_closed = |range: &str| words(range.split(']').next().unwrap_or_default());
    text.split("range").skip(1).any(until_closed)
}

/// Each error points to an existing place, quotes its text, and contains no variable's value.
fn told_where_they_are(errors: &Diagnostics, files: &BTreeMap<&str, &str>) {
    assert!(errors.count() > 0);
    for error in errors {
        let rest = at(files, &error.file, error.line, error.column);
        assert!(
            is_quoted(&error.text, rest),
            "{:?} is not at {error:?}",
            error.text
        );
        if let Some(related) = &error.related {
            at(files, &related.file, related.line, related.column);
        }
        let on_one_line = |text: &str| !text.contains('\n');
        assert!(
            on_one_line(&error.message) && on_one_line(&error.text),
            "{error:?}"
        );
    }
    let json = serde_json::to_string(errors).unwrap_or_default();
    for told in [
        errors.to_string(),
        errors.render(false),
        errors.render(true),
        format!("{errors:?}"),
        json,
    ] {
        assert!(!told.is_empty() && !told.contains(SECRET), "{told}");
    }
}

/// The text of a file from this line and column on.
fn at<'a>(files: &BTreeMap<&str, &'a str>, file: &str, line: usize, column: usize) -> &'a str {
    let line = files[file].split('\n').nth(line - 1);
    let line = line.unwrap_or_else(|| panic!("{file} has no line {line:?}"));
    let mut starts = line.char_indices().map(|(at, _)| at).chain([line.len()]);
    let start = starts.nth(column - 1);
    &line[start.unwrap_or_else(|| panic!("{file} has no column {column} in {line:?}"))..]
}

/// Whether `text` starts with `quoted`, in which a `*` matches any byte.
fn is_quoted(quoted: &str, text: &str) -> bool {
    let same = |(quoted, byte): (u8, u8)| quoted == byte || quoted == b'*';
    quoted.len() <= text.len() && quoted.bytes().zip(text.bytes()).all(same)
}

/// Displayed settings contain no secrets. Without secrets they are parsed to the same settings.
fn told_without_secrets(settings: &Settings, source: &Memory) {
    assert!(!format!("{settings:?}").contains(SECRET));
    for (name, settings) in settings.connections.iter().take(LOOKED_AT) {
        let shown = everwire::config::masked(&settings);
        assert!(!shown.to_string().contains(SECRET));
        let headers = shown["headers"]
            .as_object()
            .into_iter()
            .flat_map(|headers| headers.values());
        for secret in headers.chain(shown["basic_auth"].get("password")) {
            assert!(is_masked(secret), "{secret} is shown");
        }
        if !has_secrets(settings) {
            read_again(name.as_str(), &shown, settings, source);
        }
    }
}

/// Whether only `***` and variables are shown.
fn is_masked(shown: &Json) -> bool {
    let mut rest = shown.as_str().unwrap_or("is no string");
    while let Some((before, variable)) = rest.split_once("${") {
        if !before.replace("***", "").is_empty() {
            return false;
        }
        rest = variable
            .split_once('}')
            .map_or("is not closed", |(_, rest)| rest);
    }
    rest.replace("***", "").is_empty()
}

fn has_secrets(settings: &ConnectionSettings) -> bool {
    let proxy = matches!(&settings.proxy, Some(Proxy::Url(url)) if url.to_string().contains('@'));
    !settings.headers.is_empty() || settings.basic_auth.is_some() || proxy
}

fn read_again(name: &str, shown: &Json, settings: &ConnectionSettings, source: &Memory) {
    let quoted = |text: &str| toml(&Json::from(text));
    let mut text = format!("connections.{} = {}\n", quoted(name), toml(shown));
    if let Some(group) = shown["group"].as_str() {
        text.push_str(&format!("groups.{} = {{}}\n", quoted(group)));
    }
    match source.read(&text) {
        Ok(again) => assert_eq!(again.connections.get(name), Some(settings), "{text}"),
        Err(errors) => panic!("what is shown is refused: {text}\n{errors}"),
    }
}

/// The part that is equal for settings of the same text. The inherited settings for later
/// connections are equal only to themselves.
fn comparable(settings: &Settings) -> impl PartialEq + std::fmt::Debug + '_ {
    (&settings.service, &settings.connections)
}
