//! Why a connection is up or down.

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    event::Event,
    status::{
        FailedRotation, LastClose, LastError, Requests, RuleRate, Session, State, StateCause, Step,
    },
    subscription::SubscriptionCounts,
};

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
    /// The step of a script that is on its way: it is not ready before that has passed.
    #[schema(required)]
    step: Option<Step>,
    /// The answers of rules that wait.
    #[schema(required)]
    rule_rate: Option<RuleRate>,
    /// The requests of clients that have no answer yet.
    #[schema(required)]
    requests: Option<Requests>,
    /// How many subscriptions stand where.
    #[schema(required)]
    subscriptions: Option<SubscriptionCounts>,
    /// What is being done before the dial under way: a method and a URL as it was written, without its query, or a program.
    #[schema(required)]
    preparing: Option<String>,
    /// A rotation whose new socket could not be had so far.
    #[schema(required)]
    rotation: Option<FailedRotation>,
    #[schema(required)]
    last_error: Option<LastError>,
    #[schema(required)]
    last_close: Option<LastClose>,
    /// How far the bridge to NATS is behind; absent where it is not.
    nats: Option<NatsLag>,
    /// The sockets of clients of the raw bridge with `session=own`.
    sessions: Vec<Session>,
    /// What the peer said last, where its socket ended within five seconds after it was ready. Only for the scope `control`.
    last_message: Option<LastMessage>,
    /// The last attempts, the latest first.
    #[schema(max_items = 8)]
    attempts: Vec<Attempt>,
}

/// How far the bridge to NATS is behind a connection.
#[derive(ToSchema)]
pub struct NatsLag {
    /// Messages of the connection that the stream has not acknowledged.
    pending: u64,
    /// Why, where that is known.
    #[schema(required)]
    text: Option<String>,
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
