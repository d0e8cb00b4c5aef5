//! The shapes of what the library serializes, for the OpenAPI document: the library itself knows nothing of such documents.
//!
//! A test compares them with what is served.
#![allow(dead_code, reason = "these types are only described")]

use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

/// Declares a kind of text.
macro_rules! text {
    ($(#[doc = $doc:literal])* $name:ident { $($rule:ident($value:expr)),* }) => {
        $(#[doc = $doc])*
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some(concat!($($doc),*).trim()))
                    $(.$rule(Some($value)))*
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

text! {
    /// 1 to 128 of A-Z a-z 0-9 . _ : - the first and the last of them a letter or a digit, without "..".
    Name {
        min_length(1),
        max_length(128),
        pattern("^[A-Za-z0-9]([A-Za-z0-9_:-]|[.](?![.]))*(?<![.:_-])$")
    }
}
text! {
    /// A pattern of names: `*` is any run of characters, dots included; a comma separates alternatives.
    Pattern {
        min_length(1),
        max_length(4096),
        pattern("^ *[A-Za-z0-9._:*-]+ *(, *[A-Za-z0-9._:*-]+ *)*$")
    }
}
text! {
    /// The same; nothing is all.
    Filter {
        max_length(4096),
        pattern("^( *[A-Za-z0-9._:*-]+ *(, *[A-Za-z0-9._:*-]+ *)*)?$")
    }
}
text! {
    /// A name; nothing is the beginning.
    Cursor {
        max_length(128),
        pattern("^([A-Za-z0-9]([A-Za-z0-9_:-]|[.](?![.]))*(?<![.:_-]))?$")
    }
}
text! {
    /// A duration such as `500ms`, `10s`, `1m30s`.
    Duration {
        min_length(2),
        pattern("^([0-4]m)?([1-5]?[0-9]s)?([1-9][0-9]{0,2}ms)?$")
    }
}
text! {
    /// A text of the client's own choice.
    IdempotencyKey { min_length(1), max_length(255), pattern("^[!-~]+$") }
}
text! {
    /// A text.
    Text {}
}
text! {
    /// The value of a secret.
    SecretValue { min_length(1) }
}
text! {
    /// Bytes.
    Binary { format(SchemaFormat::KnownFormat(KnownFormat::Binary)) }
}

/// The fate to wait for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    Queued,
    Written,
    Confirmed,
}

/// Where a connection is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Idle,
    Connecting,
    Opening,
    Open,
    Backoff,
    Closing,
    Closed,
    Failed,
}

/// What is wrong with a request, or with answering it (RFC 9457).
#[derive(ToSchema)]
pub struct Problem {
    /// Always "about:blank".
    r#type: String,
    /// The phrase of the status.
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, and what would be right.
    detail: String,
    /// Of a message: its id, if it was accepted.
    #[schema(nullable = false)]
    id: Option<u64>,
    /// Of a message: the epoch in which it was accepted.
    #[schema(nullable = false)]
    epoch: Option<u32>,
    /// Of a message: what became of it; "rejected" if it was not accepted.
    #[schema(nullable = false)]
    fate: Option<String>,
    /// Of a message that was not accepted: why. Of a change: "not_stored" if it was made, and is not on disk;
    /// "store_outage" if the store cannot be opened, so that it is not known what there is;
    /// "feature_missing" if it needs what this build was made without.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// Of settings: all that is wrong.
    #[schema(nullable = false)]
    errors: Option<Vec<KeyError>>,
    /// Of settings: how much more is wrong.
    #[schema(nullable = false)]
    omitted: Option<usize>,
    /// Of JSON: the line, from 1.
    #[schema(nullable = false)]
    line: Option<usize>,
    /// Of JSON: the column, from 1.
    #[schema(nullable = false)]
    column: Option<usize>,
}

/// What is wrong with a key of settings.
#[derive(ToSchema)]
pub struct KeyError {
    /// Where the key stands, as a JSON pointer (RFC 6901).
    pointer: String,
    message: String,
    /// What would be right.
    #[schema(required)]
    help: Option<String>,
}

/// The keys of a connection, as in the TOML file.
#[derive(ToSchema)]
pub struct Settings {}

/// What a connection tells about itself.
#[derive(ToSchema)]
pub struct Status {
    name: String,
    state: State,
    /// `WebSocket.readyState`.
    #[schema(minimum = 0, maximum = 3)]
    ready_state: u8,
    /// Whether application messages flow.
    ready: bool,
    /// The URL that is in use or dialled next, with its variables unexpanded.
    url: String,
    /// All URLs, if there are several.
    #[schema(nullable = false)]
    urls: Option<Vec<UrlStatus>>,
    #[schema(required)]
    subprotocol: Option<String>,
    #[schema(required)]
    tls: Option<Tls>,
    tags: Vec<String>,
    /// Since when it is in this state.
    #[schema(format = DateTime)]
    since: String,
    /// The life of the name; a fencing number.
    epoch: u32,
    /// Which restart of the actor this is.
    incarnation: u32,
    /// The retries since the last stable socket.
    attempt: u32,
    /// When the next dial is due.
    #[schema(required, format = DateTime)]
    retry_at: Option<String>,
    /// Why it is in this state; null where a state needs no reason.
    #[schema(required)]
    cause: Option<StateCause>,
    /// It may be older than the present state.
    #[schema(required)]
    last_error: Option<LastError>,
    #[schema(required)]
    last_close: Option<LastClose>,
    /// The losses, of sockets and of dials, that were followed by a dial.
    reconnects: u64,
    /// The last heartbeat's round trip.
    #[schema(required)]
    rtt_ms: Option<f64>,
    sent: Traffic,
    received: Traffic,
    /// When the last application message came.
    #[schema(required, format = DateTime)]
    last_message_at: Option<String>,
    outbox: Outbox,
    /// The sockets of clients of the raw bridge with `session=own`.
    sessions: Vec<Session>,
    /// Whether a client can open another one now.
    takes_sessions: bool,
    /// How many subscribers hear it.
    subscribers: usize,
}

/// A socket that a client of the raw bridge has for itself.
#[derive(ToSchema)]
pub struct Session {
    /// Counts the sessions of the connection, from 1.
    id: u64,
    state: SessionState,
    /// Since when it is in this state.
    #[schema(format = DateTime)]
    since: String,
    /// The client's address, as the service sees it.
    #[schema(required)]
    client: Option<String>,
    /// The address that answered: the peer's, or its proxy's; null before one has.
    #[schema(required)]
    peer: Option<String>,
    /// Messages of the client for the peer.
    sent: Traffic,
    /// Messages of the peer for the client.
    received: Traffic,
}

/// Where such a socket is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SessionState {
    /// It waits for its turn to dial, or dials.
    Connecting,
    /// It is up.
    Open,
    /// The closing handshake is under way.
    Closing,
}

/// One of several URLs of a connection.
#[derive(ToSchema)]
pub struct UrlStatus {
    url: String,
    /// How often it has failed in a row.
    failures: u32,
}

/// What TLS says of the peer.
#[derive(ToSchema)]
pub struct Tls {
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// Whether any certificate would have been accepted.
    insecure: bool,
}

/// Why a connection is in its present state.
#[derive(ToSchema)]
pub struct StateCause {
    /// Of a loss its cause, as in `cause` of the event `retrying`; `store` where it waits for a store that cannot be opened; else
    /// `sessions_only`, `closed_by_hand`, `shutdown` or `removed`.
    #[schema(examples("refused", "closed", "closed_by_hand"))]
    kind: String,
    text: String,
    /// The rule that decided what follows; null where nothing was decided.
    #[schema(required)]
    rule: Option<String>,
    #[schema(format = DateTime)]
    at: String,
}

/// The last error of a connection.
#[derive(ToSchema)]
pub struct LastError {
    kind: String,
    /// Of a refused handshake: its HTTP status; of a proxy: that of its answer to CONNECT.
    #[schema(nullable = false)]
    status: Option<u16>,
    text: String,
    #[schema(format = DateTime)]
    at: String,
}

/// How the last socket ended.
#[derive(ToSchema)]
pub struct LastClose {
    /// That of the first close frame that was received (RFC 6455 §7.1.5); 1005: it had none, 1006: there was no close frame.
    code: u16,
    reason: String,
    /// Whether close frames went both ways.
    clean: bool,
    by: CloseBy,
    #[schema(format = DateTime)]
    at: String,
    /// The close frame that we sent, by ourselves or as an answer.
    #[schema(required)]
    sent: Option<SentClose>,
}

/// Who began a close.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseBy {
    Us,
    Peer,
}

/// A close frame of ours.
#[derive(ToSchema)]
pub struct SentClose {
    code: u16,
    reason: String,
}

/// Messages and payload bytes.
#[derive(ToSchema)]
pub struct Traffic {
    messages: u64,
    bytes: u64,
}

/// What waits to be sent.
#[derive(ToSchema)]
pub struct Outbox {
    messages: usize,
    bytes: usize,
    /// For how long the oldest has waited of which nothing was written.
    #[schema(required)]
    oldest_ms: Option<f64>,
    in_doubt: u64,
    dropped: u64,
}

/// Something that happened to a connection. There are more members, by `type`.
#[derive(ToSchema)]
pub struct Event {
    #[schema(examples("message", "ready", "closed", "retrying"))]
    r#type: String,
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
}

/// Why a connection is up or down.
#[derive(ToSchema)]
pub struct Why {
    name: String,
    state: State,
    ready: bool,
    /// Since when it is in this state.
    #[schema(format = DateTime)]
    since: String,
    /// When the next attempt is due.
    #[schema(required, format = DateTime)]
    retry_at: Option<String>,
    /// Why it is in this state; null where a state needs no reason.
    #[schema(required)]
    cause: Option<StateCause>,
    /// The rule of that cause: whether and when to dial again.
    #[schema(required)]
    rule: Option<String>,
    #[schema(required)]
    last_error: Option<LastError>,
    #[schema(required)]
    last_close: Option<LastClose>,
    /// The sockets of clients of the raw bridge with `session=own`.
    sessions: Vec<Session>,
    /// What the peer said last, where its socket ended within five seconds after it was ready. Only for the scope `control`.
    last_message: Option<LastMessage>,
    /// The last attempts, the latest first.
    #[schema(max_items = 8)]
    attempts: Vec<Attempt>,
}

/// The peer's last message before its socket ended.
#[derive(ToSchema)]
pub struct LastMessage {
    /// When it came.
    #[schema(format = DateTime)]
    at: String,
    /// Whether it was a binary message.
    binary: bool,
    /// Its length in bytes.
    bytes: usize,
    /// What its first 256 bytes say, with `***` for secrets; it ends with `…` where the message goes on.
    #[schema(nullable = false)]
    text: Option<String>,
    /// Instead of `text`: the first 256 bytes of a binary message that is none.
    #[schema(nullable = false)]
    base64: Option<String>,
}

/// From a dial to the loss of its socket.
#[derive(ToSchema)]
pub struct Attempt {
    /// When it began.
    #[schema(format = DateTime)]
    at: String,
    outcome: Outcome,
    /// How many events are not told.
    omitted: u64,
    /// The events, each with `after_ms`: since the beginning of the attempt.
    #[schema(max_items = 12)]
    events: Vec<Event>,
}

/// What has become of an attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Dialling,
    Up,
    Lost,
    Closed,
    Failed,
}

/// What came of a dry run.
#[derive(ToSchema)]
pub struct Probes {
    name: String,
    /// One for each URL.
    probes: Vec<Probe>,
}

/// What came of the dial of one URL.
#[derive(ToSchema)]
pub struct Probe {
    /// With its variables unexpanded.
    url: String,
    /// Whether it was upgraded.
    ok: bool,
    /// The address that answered: the peer's, or its proxy's.
    #[schema(required)]
    peer: Option<String>,
    #[schema(required)]
    subprotocol: Option<String>,
    timings: Timings,
    #[schema(required)]
    error: Option<ProbeError>,
}

/// How long the steps of a dial took; null for one that was not needed or not reached.
#[derive(ToSchema)]
pub struct Timings {
    #[schema(required)]
    dns_ms: Option<f64>,
    #[schema(required)]
    proxy_ms: Option<f64>,
    #[schema(required)]
    tcp_ms: Option<f64>,
    #[schema(required)]
    tls_ms: Option<f64>,
    #[schema(required)]
    upgrade_ms: Option<f64>,
}

/// Why a dial failed.
#[derive(ToSchema)]
pub struct ProbeError {
    kind: String,
    /// Of a refused handshake: its HTTP status.
    #[schema(nullable = false)]
    status: Option<u16>,
    /// What it was, or what the server said.
    text: String,
}

/// What a reload does, or has done.
#[derive(ToSchema)]
pub struct Reloaded {
    /// Whether it was done; a plan is not.
    done: bool,
    /// Names for which nothing changes: they keep their sockets.
    untouched: Vec<String>,
    /// Names whose new settings are applied to the socket that serves.
    applied: Vec<Changed>,
    /// Names that need another socket.
    rotated: Vec<Changed>,
    /// Names that are opened.
    added: Vec<String>,
    /// Names that are closed and forgotten.
    removed: Vec<String>,
    /// Keys of `[service]` that change at once.
    service: Vec<String>,
    /// Keys of `[service]` that change with the next start of the process.
    restart: Vec<String>,
    /// What was planned and could not be done.
    failed: Vec<NotChanged>,
}

/// A name and the keys that change.
#[derive(ToSchema)]
pub struct Changed {
    name: String,
    keys: Vec<String>,
}

/// A name that could not be changed as planned.
#[derive(ToSchema)]
pub struct NotChanged {
    name: String,
    reason: String,
}
