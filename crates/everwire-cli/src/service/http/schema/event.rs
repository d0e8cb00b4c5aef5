//! What happens, as it is told.

use utoipa::ToSchema;

use super::{
    subscription::SubscriptionState,
    words::{Cause, EventType, Fate},
};

/// Something that happened to a connection, or to this reader. `type` says which of the later members there are; there may be more than
/// are described here.
#[derive(ToSchema)]
pub struct Event {
    r#type: EventType,
    #[schema(nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    epoch: Option<u32>,
    /// Counts the connection's events within the epoch, without holes.
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// Positions a reader over all names.
    #[schema(nullable = false)]
    cursor: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    /// Of a message the key of the subscription that it belongs to, where the settings say how that is found.
    #[schema(nullable = false)]
    subscription: Option<String>,
    /// Of `message`: a text. Of `error`, `retrying`, `failed` and `session_closed` what went wrong; of `subscription` what the peer said.
    #[schema(nullable = false)]
    text: Option<String>,
    /// Of `message`: binary data.
    #[schema(nullable = false)]
    base64: Option<String>,
    /// Of `sent`: the message's id; null for one that is said when a socket opens.
    id: Option<u64>,
    /// Of `sent`.
    #[schema(nullable = false)]
    fate: Option<Fate>,
    /// Of `sent`: whether it had been written to an earlier socket.
    #[schema(nullable = false)]
    resent: Option<bool>,
    /// Of `lagged`: how many events this reader has missed; null where nobody can count them.
    missed: Option<u64>,
    /// Of `ready`: what the script has kept that is no secret.
    #[schema(nullable = false)]
    vars: Option<serde_json::Map<String, serde_json::Value>>,
    /// Of `retrying`, `failed` and `session_closed`, and of `connecting`, where it is null for the first dial.
    cause: Option<Cause>,
    /// Of `error`.
    #[schema(nullable = false)]
    kind: Option<Cause>,
    /// Of `error`: the HTTP status of a refused handshake.
    #[schema(nullable = false)]
    status: Option<u16>,
    /// Of `retrying`: how long until the next dial.
    #[schema(nullable = false)]
    delay_ms: Option<f64>,
    /// Of `retrying` and `failed`: the rule that decided so.
    #[schema(nullable = false)]
    rule: Option<String>,
    /// Of `connecting`: the retries since the last stable socket.
    #[schema(nullable = false)]
    attempt: Option<u32>,
    /// Of `closed`: the close code.
    #[schema(nullable = false)]
    code: Option<u16>,
    /// Of `closed` the peer's words; of `gap`, `dropped` and `stalled` which kind it is.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Of `gap`: from the last frame of the lost socket to *ready*.
    #[schema(nullable = false)]
    blind_ms: Option<f64>,
    /// Of `gap`: the peer's last number.
    peer_seq: Option<u64>,
    /// Of `gap` with `reason` "hole": how many messages are missing.
    #[schema(nullable = false)]
    missing: Option<u64>,
    /// Of `dropped`: how many messages.
    #[schema(nullable = false)]
    count: Option<u64>,
    /// Of `subscription`: its key.
    #[schema(nullable = false)]
    key: Option<String>,
    /// Of `subscription`: where it stands now.
    #[schema(nullable = false)]
    state: Option<SubscriptionState>,
    /// In `why`: since the beginning of the attempt.
    #[schema(nullable = false)]
    after_ms: Option<f64>,
}
