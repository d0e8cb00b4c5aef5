//! The accepted values of each key of a configuration, and the settings they produce.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod addresses;
mod connections;
mod layers;
#[path = "../config/memory.rs"]
mod memory;
mod page;
mod rates;
mod service;
mod variables;
mod wrong_values;

use std::time::Duration;

use everwire::config::{Backoff, ConnectionSettings, Reconnect, Settings};

use self::memory::Memory;

fn connection(keys: &str) -> ConnectionSettings {
    Memory::default()
        .connection(keys)
        .unwrap_or_else(|errors| panic!("{keys}\n{errors}"))
}

/// The first error of a connection with these keys: message and help.
fn error(keys: &str) -> String {
    let errors = match Memory::default().connection(keys) {
        Ok(_) => panic!("accepted: {keys}"),
        Err(errors) => errors,
    };
    let first = errors.iter().next().unwrap();
    format!(
        "{} | {}",
        first.message,
        first.help.as_deref().unwrap_or_default()
    )
}

fn settings(text: &str) -> Settings {
    Memory::default()
        .read(text)
        .unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn backoff(keys: &str) -> Backoff {
    match connection(keys).reconnect {
        Reconnect::Backoff(backoff) => backoff,
        Reconnect::Never => panic!("never"),
    }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_empty_text_gives_the_defaults() {
    assert_eq!(settings(""), Settings::default());
    assert_eq!(settings("schema_version = 1"), Settings::default());
    assert_eq!(
        connection(""),
        ConnectionSettings::new("wss://example.com").unwrap()
    );
}
