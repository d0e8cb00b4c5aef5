//! Keys without a sentence, in the notation of a file.

use serde_json::Value as Json;

use super::{Line, words::written};
use crate::config::masked;
use everwire_proto::{language::Template, settings::ConnectionSettings};

/// The keys that are explained in sentences. All others are shown as written, so that none is left
/// out.
const TOLD: [&str; 31] = [
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
    "subscribe",
    "subscriptions",
    "capture",
    "rules",
];

/// The masked view of a connection with only defaults.
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
