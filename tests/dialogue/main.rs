//! Dialogues declared in files, with servers that check what they receive and disconnect in the
//! middle. The shipped recipes are tested in `tests/recipes`.

#[path = "../support/compressed.rs"]
mod compressed;
#[path = "../support/peer.rs"]
mod peer;
#[path = "../support/mod.rs"]
mod support;

mod calls;
mod decode;
mod document;
mod http;
#[cfg(feature = "durable")]
mod kept;
mod prepare;
mod protocol;
mod replace;
mod requests;
mod rsa;
mod rules;
mod steps;
#[cfg(feature = "durable")]
mod stored;
mod subscriptions;
mod watched;

use std::{
    io,
    path::{Path, PathBuf},
};

use everwire::{
    ConnectionSettings, Handle, Manager,
    config::{Settings, Source, System},
};
use support::rig::{Watch, one_arbiter, wait_for};

/// An environment with these variables.
struct Variables(&'static [(&'static str, &'static str)]);

impl Source for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        System.list(path)
    }
}

/// The settings of `[connections.NAME]` of a recipe, with another URL.
fn recipe(text: &str, name: &str, url: &str, variables: Variables) -> ConnectionSettings {
    let quick = "\nreconnect = { min = \"1ms\", initial = \"5ms\", max = \"50ms\" }\n";
    let text = text.replace("URL", url).replace("# quick", quick);
    let settings =
        Settings::from_toml_with(&text, &variables).unwrap_or_else(|errors| panic!("{errors}"));
    settings
        .connections
        .iter()
        .find(|(known, _)| known.as_str() == name)
        .map(|(_, settings)| settings.clone())
        .unwrap()
}

/// Opens a name with these settings, and watches it.
fn open(settings: ConnectionSettings) -> (Manager, Handle, Watch) {
    let manager = one_arbiter();
    let watch = Watch::new(&manager, "*");
    let handle = manager.open("name", settings).unwrap();
    (manager, handle, watch)
}

/// Reads the events so far: an answer of the name comes after the events before it.
async fn catch_up(handle: &Handle, watch: &mut Watch) {
    handle.status().await.unwrap();
    watch.take_told();
}

/// Waits until a ping on the open socket was answered.
async fn answered(handle: &Handle) {
    wait_for("an answered ping", async || {
        let status = handle.status().await.unwrap();
        status.rtt.ok_or(status.state)
    })
    .await;
}

/// Asserts that no event contains the secret.
fn holds_no_secret(watch: &Watch, secret: &str) {
    for event in watch.seen() {
        assert!(!event.contains(secret), "{event}");
    }
}
