//! Events in JSON.

use utoipa::ToSchema;

use super::{
    subscription::SubscriptionState,
    words::{Cause, EventType, Fate},
};

/// Something that happened to a connection or to this reader. `type` decides which of the later
/// members are present. There may be more types than are described here.
#[derive(ToSchema)]
pub struct Event {
    r#type: EventType,
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    epoch: Option<u32>,
    /// The number of the event within the epoch, without gaps.
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// The position of the event for a reader of all names.
    #[schema(nullable = false)]
    cursor: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    /// In `message`: the key of the subscription that it belongs to, if the settings say how to
    /// find it.
    #[schema(nullable = false)]
    subscription: Option<String>,
    /// In `message`: a text. In `error`, `retrying`, `failed` and `session_closed`: what went
    /// wrong. In `subscription`: the peer's text.
    #[schema(nullable = false)]
    text: Option<String>,
    /// In `message`: binary data.
    #[schema(nullable = false)]
    base64: Option<String>,
    /// In `sent`: the id of the message; null for a message that is sent whenever a socket opens.
    id: Option<u64>,
    /// In `sent`.
    #[schema(nullable = false)]
    fate: Option<Fate>,
    /// In `sent`: whether it was written to an earlier socket before.
    #[schema(nullable = false)]
    resent: Option<bool>,
    /// In `lagged`: how many events this reader has missed; null if unknown.
    missed: Option<u64>,
    /// In `ready`: what the script has captured, without secrets.
    #[schema(nullable = false)]
    vars: Option<serde_json::Map<String, serde_json::Value>>,
    /// In `retrying`, `failed`, `session_closed` and `connecting`, where it is null for the first
    /// dial.
    cause: Option<Cause>,
    /// In `error`.
    #[schema(nullable = false)]
    kind: Option<Cause>,
    /// In `error`: the HTTP status of a refused handshake.
    #[schema(nullable = false)]
    status: Option<u16>,
    /// In `retrying`: how long until the next dial.
    #[schema(nullable = false)]
    delay_ms: Option<f64>,
    /// In `retrying` and `failed`: the rule that decided this.
    #[schema(nullable = false)]
    rule: Option<String>,
    /// In `connecting`: the number of retries since the last stable socket.
    #[schema(nullable = false)]
    attempt: Option<u32>,
    /// In `closed`: the close code.
    #[schema(nullable = false)]
    code: Option<u16>,
    /// In `closed`: the reason of the peer. In `gap`, `dropped` and `stalled`: the kind.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// In `gap`: the time from the last frame of the lost socket to *ready*.
    #[schema(nullable = false)]
    blind_ms: Option<f64>,
    /// In `gap`: the peer's last sequence number.
    peer_seq: Option<u64>,
    /// In `gap` with `reason` "hole": how many messages are missing.
    #[schema(nullable = false)]
    missing: Option<u64>,
    /// In `dropped`: how many messages.
    #[schema(nullable = false)]
    count: Option<u64>,
    /// In `subscription`: its key.
    #[schema(nullable = false)]
    key: Option<String>,
    /// In `subscription`: its new state.
    #[schema(nullable = false)]
    state: Option<SubscriptionState>,
    /// In `why`: the time since the beginning of the attempt.
    #[schema(nullable = false)]
    after_ms: Option<f64>,
}
