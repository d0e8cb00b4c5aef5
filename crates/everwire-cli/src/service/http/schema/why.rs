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
    /// When it entered this state.
    #[schema(format = DateTime)]
    since: String,
    /// When the next attempt is due.
    #[schema(required, format = DateTime)]
    retry_at: Option<String>,
    /// Why it is in this state; null if the state needs no reason.
    #[schema(required)]
    cause: Option<StateCause>,
    /// The rule for that cause: whether and when to dial again.
    #[schema(required)]
    rule: Option<String>,
    /// The current step of a script. The connection is not ready before this step has passed.
    #[schema(required)]
    step: Option<Step>,
    /// The waiting answers of rules.
    #[schema(required)]
    rule_rate: Option<RuleRate>,
    /// The requests of clients that have no answer yet.
    #[schema(required)]
    requests: Option<Requests>,
    /// The number of subscriptions in each state.
    #[schema(required)]
    subscriptions: Option<SubscriptionCounts>,
    /// The current step before the dial: a program, or a method and the URL as written, without its
    /// query.
    #[schema(required)]
    preparing: Option<String>,
    /// A rotation whose new socket could not be had so far.
    #[schema(required)]
    rotation: Option<FailedRotation>,
    #[schema(required)]
    last_error: Option<LastError>,
    #[schema(required)]
    last_close: Option<LastClose>,
    /// The lag of the bridge to NATS; absent without a lag.
    nats: Option<NatsLag>,
    /// The sockets of clients of the raw bridge with `session=own`.
    sessions: Vec<Session>,
    /// The last message of the peer, if its socket ended within five seconds after it was ready.
    /// Only for the scope `control`.
    last_message: Option<LastMessage>,
    /// The last attempts, the latest first.
    #[schema(max_items = 8)]
    attempts: Vec<Attempt>,
}

/// The lag of the bridge to NATS for a connection.
#[derive(ToSchema)]
pub struct NatsLag {
    /// Messages of the connection that the stream has not acknowledged.
    pending: u64,
    /// The reason, if known.
    #[schema(required)]
    text: Option<String>,
}

/// The peer's last message before its socket ended.
#[derive(ToSchema)]
pub struct LastMessage {
    /// When it was received.
    #[schema(format = DateTime)]
    at: String,
    /// Whether it was a binary message.
    binary: bool,
    /// Its length in bytes.
    bytes: usize,
    /// The text of its first 256 bytes, with `***` for secrets; it ends with `…` if the message is
    /// longer.
    #[schema(nullable = false)]
    text: Option<String>,
    /// Instead of `text`: the first 256 bytes of a binary message that is not text.
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
    /// The number of events that are left out.
    omitted: u64,
    /// The events, each with `after_ms`: the time since the beginning of the attempt.
    #[schema(max_items = 12)]
    events: Vec<Event>,
}

/// The outcome of an attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Dialling,
    Up,
    Lost,
    Closed,
    Failed,
}
