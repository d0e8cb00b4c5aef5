//! The keys of which no sentence is made, as a file has them.

use serde_json::Value as Json;

use super::{Line, words::written};
use crate::config::masked;
use everwire_proto::{language::Template, settings::ConnectionSettings};

/// The keys that sentences are made of. A key that is not among them is told as it is written, so that none is left out.
const TOLD: [&str; 29] = [
    "periodic",
    "close_script",
    "prepare",
    "url",
    "urls",
    "enabled",
    "sessions_only",
    "headers",
    "basic_auth",
    "subprotocols",
    "source_address",
    "proxy",
    "on_open",
    "connect_timeout",
    "idle_timeout",
    "max_message",
    "max_frame",
    "compression",
    "heartbeat",
    "reconnect",
    "outbox",
    "history",
    "rate",
    "rotate_after",
    "sequence",
    "tls",
    "open_script",
    "capture",
    "rules",
];

/// The masked view of a connection with nothing but defaults.
pub(super) struct Defaults(Json);

impl Defaults {
    pub fn new() -> Self {
        Self(masked(&ConnectionSettings::with_url(Template::literal(""))))
    }
}

pub(super) fn lines(settings: &ConnectionSettings, defaults: &Defaults) -> Vec<Line> {
    let Json::Object(keys) = masked(settings) else {
        return Vec::new();
    };
    let others = keys
        .into_iter()
        .filter(|(key, value)| !TOLD.contains(&&**key) && defaults.0.get(key) != Some(value));
    others
        .map(|(key, value)| written(&format!("{key} = {value}")).into())
        .collect()
}
