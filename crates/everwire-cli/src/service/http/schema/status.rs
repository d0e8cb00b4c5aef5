//! What a connection tells about itself.

use serde::Serialize;
use utoipa::ToSchema;

use super::{subscription::SubscriptionCounts, words::Cause};

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
    /// The step of a script that is on its way: it is not ready before that has passed.
    #[schema(required)]
    step: Option<Step>,
    /// The answers of rules that wait.
    #[schema(required)]
    rule_rate: Option<RuleRate>,
    /// What is being done before the dial under way: a method and a URL as it was written, without its query, or a program.
    #[schema(nullable = false)]
    preparing: Option<String>,
    /// A rotation whose new socket could not be had so far; absent where there is none.
    #[schema(nullable = false)]
    rotation: Option<FailedRotation>,
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
    /// The requests of clients that have no answer yet; absent where there is none.
    #[schema(nullable = false)]
    requests: Option<Requests>,
    /// How many subscriptions stand where; absent where there is none.
    #[schema(nullable = false)]
    subscriptions: Option<SubscriptionCounts>,
    /// The sockets of clients of the raw bridge with `session=own`.
    sessions: Vec<Session>,
    /// Whether a client can open another one now.
    takes_sessions: bool,
    /// How many subscribers hear it.
    subscribers: usize,
}

/// A rotation whose new socket could not be had so far. The old one serves on.
#[derive(ToSchema)]
pub struct FailedRotation {
    /// How many dials of the new socket have failed, one after the other; `last_error` says why.
    failures: u32,
    /// When the next one is due; null while it is on its way.
    #[schema(required, format = DateTime)]
    retry_at: Option<String>,
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
    /// `sessions_only`, `closed_by_hand`, `shutdown`, `removed` or `rotation`.
    kind: Cause,
    text: String,
    /// The rule that decided what follows; null where nothing was decided.
    #[schema(required)]
    rule: Option<String>,
    #[schema(format = DateTime)]
    at: String,
}

/// A step of a script that is on its way, as it was written: of templates the first 256 bytes, not filled.
#[derive(ToSchema)]
pub struct Step {
    /// The key of the script; `subscribe` where subscriptions are awaited.
    #[schema(examples("open_script", "subscribe"))]
    script: String,
    /// Which step it is, from 1.
    number: usize,
    /// How many steps the script has.
    steps: usize,
    state: StepState,
    /// What it sends; null where it calls something, or only listens.
    #[schema(required)]
    send: Option<String>,
    /// What it calls: the method and the URL without its query, or the program; left out where it calls nothing.
    call: Option<String>,
    /// What it expects; null where it has passed once it is written, or once its call was answered well.
    #[schema(required)]
    expect: Option<String>,
    /// How often what it expects has come.
    met: u32,
    /// How often that must come.
    count: u32,
    /// Since when it is in this state.
    #[schema(format = DateTime)]
    since: String,
    /// When its time is over, or when it comes again; null while it waits for its turn to be written.
    #[schema(required, format = DateTime)]
    until: Option<String>,
}

/// What a step does.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum StepState {
    /// Its turn to be written has not come.
    Queued,
    /// Its turn has come, and a signature of it is being made.
    Signs,
    /// What it calls has not answered.
    Calls,
    /// Its message is made, and is being written.
    Made,
    /// It looks at what comes.
    Listens,
    /// It was asked to come again later.
    Rests,
}

/// The answers of rules that wait: at most 100 go out within a second.
#[derive(ToSchema)]
pub struct RuleRate {
    /// How many wait. At 128 nothing is read.
    waiting: usize,
}

/// The last error of a connection.
#[derive(ToSchema)]
pub struct LastError {
    kind: Cause,
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

/// The requests of clients that have no answer yet.
#[derive(ToSchema)]
pub struct Requests {
    /// How many wait to be written.
    waiting: usize,
    /// How many were written, and await an answer.
    in_flight: usize,
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
