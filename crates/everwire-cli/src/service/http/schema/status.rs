//! The status of a connection.

use serde::Serialize;
use utoipa::ToSchema;

use super::{subscription::SubscriptionCounts, words::Cause};

/// The state of a connection.
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

/// The status of a connection.
#[derive(ToSchema)]
pub struct Status {
    name: String,
    state: State,
    /// `WebSocket.readyState`.
    #[schema(minimum = 0, maximum = 3)]
    ready_state: u8,
    /// Whether application messages can be sent and received.
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
    /// When it entered this state.
    #[schema(format = DateTime)]
    since: String,
    /// The life of the name, usable as a fencing number.
    epoch: u32,
    /// How often the actor was restarted.
    incarnation: u32,
    /// The number of retries since the last stable socket.
    attempt: u32,
    /// When the next dial is due.
    #[schema(required, format = DateTime)]
    retry_at: Option<String>,
    /// Why it is in this state; null if the state needs no reason.
    #[schema(required)]
    cause: Option<StateCause>,
    /// The current step of a script. The connection is not ready before this step has passed.
    #[schema(required)]
    step: Option<Step>,
    /// The waiting answers of rules.
    #[schema(required)]
    rule_rate: Option<RuleRate>,
    /// The current step before the dial: a program, or a method and the URL as written, without its
    /// query.
    #[schema(nullable = false)]
    preparing: Option<String>,
    /// A rotation whose new socket has failed so far; absent if there is none.
    #[schema(nullable = false)]
    rotation: Option<FailedRotation>,
    /// The error may be older than the present state.
    #[schema(required)]
    last_error: Option<LastError>,
    #[schema(required)]
    last_close: Option<LastClose>,
    /// The number of losses, of sockets and dials, that were followed by a dial.
    reconnects: u64,
    /// The round trip time of the last heartbeat.
    #[schema(required)]
    rtt_ms: Option<f64>,
    sent: Traffic,
    received: Traffic,
    /// When the last application message was received.
    #[schema(required, format = DateTime)]
    last_message_at: Option<String>,
    outbox: Outbox,
    /// The requests of clients that have no answer yet; absent if there are none.
    #[schema(nullable = false)]
    requests: Option<Requests>,
    /// The number of subscriptions in each state; absent if there are none.
    #[schema(nullable = false)]
    subscriptions: Option<SubscriptionCounts>,
    /// The sockets of clients of the raw bridge with `session=own`.
    sessions: Vec<Session>,
    /// Whether a client can open another one now.
    takes_sessions: bool,
    /// The number of its subscribers.
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
    /// The number of the session within the connection, from 1.
    id: u64,
    state: SessionState,
    /// When it entered this state.
    #[schema(format = DateTime)]
    since: String,
    /// The client's address, as the service sees it.
    #[schema(required)]
    client: Option<String>,
    /// The address that answered: the peer's, or its proxy's; null before any has answered.
    #[schema(required)]
    peer: Option<String>,
    /// Messages from the client to the peer.
    sent: Traffic,
    /// Messages from the peer to the client.
    received: Traffic,
}

/// The state of such a socket.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum SessionState {
    /// It waits for its turn to dial, or dials.
    Connecting,
    /// It is up.
    Open,
    /// The closing handshake is running.
    Closing,
}

/// One of several URLs of a connection.
#[derive(ToSchema)]
pub struct UrlStatus {
    url: String,
    /// The number of failures in a row.
    failures: u32,
}

/// What TLS reports about the peer.
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
    /// For a loss, its cause, as in `cause` of the event `retrying`; `store` if it waits for a
    /// store that cannot be opened; else `sessions_only`, `closed_by_hand`, `shutdown`, `removed`
    /// or `rotation`.
    kind: Cause,
    text: String,
    /// The rule that decided what follows; null if nothing was decided.
    #[schema(required)]
    rule: Option<String>,
    #[schema(format = DateTime)]
    at: String,
}

/// The current step of a script, as written: the first 256 bytes of templates, not filled.
#[derive(ToSchema)]
pub struct Step {
    /// The key of the script; `subscribe` if subscriptions are awaited.
    #[schema(examples("open_script", "subscribe"))]
    script: String,
    /// The number of the step, from 1.
    number: usize,
    /// The number of steps in the script.
    steps: usize,
    state: StepState,
    /// What it sends; null if it calls something, or only listens.
    #[schema(required)]
    send: Option<String>,
    /// What it calls: a program, or the method and the URL without its query; absent if it calls
    /// nothing.
    call: Option<String>,
    /// What it expects; null if it passes as soon as it is written, or its call has succeeded.
    #[schema(required)]
    expect: Option<String>,
    /// How often the expected message has been received.
    met: u32,
    /// How often it must be received.
    count: u32,
    /// When it entered this state.
    #[schema(format = DateTime)]
    since: String,
    /// When its time is over, or when it is repeated; null while it waits for its turn to be
    /// written.
    #[schema(required, format = DateTime)]
    until: Option<String>,
}

/// The state of a step.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum StepState {
    /// It waits for its turn to be written.
    Queued,
    /// Its turn has come, and one of its signatures is being made.
    Signs,
    /// Its call has no answer yet.
    Calls,
    /// Its message is complete and is being written.
    Made,
    /// It checks received messages.
    Listens,
    /// It was asked to repeat later.
    Rests,
}

/// The waiting answers of rules: at most 100 are sent within a second.
#[derive(ToSchema)]
pub struct RuleRate {
    /// The number of waiting answers. At 128, reading stops.
    waiting: usize,
}

/// The last error of a connection.
#[derive(ToSchema)]
pub struct LastError {
    kind: Cause,
    /// The HTTP status of a refused handshake, or of a proxy's answer to CONNECT.
    #[schema(nullable = false)]
    status: Option<u16>,
    text: String,
    #[schema(format = DateTime)]
    at: String,
}

/// How the last socket ended.
#[derive(ToSchema)]
pub struct LastClose {
    /// The code of the first received close frame (RFC 6455 §7.1.5); 1005 if it had none, 1006 if
    /// there was no close frame.
    code: u16,
    reason: String,
    /// Whether both sides sent close frames.
    clean: bool,
    by: CloseBy,
    #[schema(format = DateTime)]
    at: String,
    /// The close frame that we sent, first or as an answer.
    #[schema(required)]
    sent: Option<SentClose>,
}

/// Who began the close.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseBy {
    Us,
    Peer,
}

/// A close frame that we sent.
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
    /// The number of requests that wait to be written.
    waiting: usize,
    /// The number of requests that were written and wait for an answer.
    in_flight: usize,
}

/// The messages that wait to be sent.
#[derive(ToSchema)]
pub struct Outbox {
    messages: usize,
    bytes: usize,
    /// How long the oldest message has waited of which nothing was written.
    #[schema(required)]
    oldest_ms: Option<f64>,
    in_doubt: u64,
    dropped: u64,
}
