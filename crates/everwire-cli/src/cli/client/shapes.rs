//! The parts of the service's answers that are shown. Unknown members are ignored.

use jiff::Timestamp;
use serde::Deserialize;

/// The status of a connection.
#[derive(Clone, Debug, Deserialize)]
pub struct Status {
    pub name: String,
    pub state: String,
    pub url: String,
    #[serde(default)]
    pub subprotocol: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub since: Timestamp,
    pub epoch: u32,
    pub incarnation: u32,
    pub attempt: u32,
    pub retry_at: Option<Timestamp>,
    pub cause: Option<Cause>,
    #[serde(default)]
    pub step: Option<Step>,
    #[serde(default)]
    pub rule_rate: Option<RuleRate>,
    #[serde(default)]
    pub preparing: Option<String>,
    #[serde(default)]
    pub rotation: Option<Rotation>,
    #[serde(default)]
    pub reconnects: u64,
    pub last_error: Option<LastError>,
    pub last_close: Option<LastClose>,
    pub rtt_ms: Option<f64>,
    pub sent: Traffic,
    pub received: Traffic,
    #[serde(default)]
    pub last_message_at: Option<Timestamp>,
    pub outbox: Outbox,
    #[serde(default)]
    pub requests: Option<Requests>,
    #[serde(default)]
    pub subscriptions: Option<Subscriptions>,
    #[serde(default)]
    pub sessions: Vec<Session>,
    pub subscribers: usize,
}

/// The reason for its present state.
#[derive(Clone, Debug, Deserialize)]
pub struct Cause {
    pub kind: String,
    pub text: String,
    pub rule: Option<String>,
    pub at: Timestamp,
}

/// A rotation whose new socket could not be had so far.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Rotation {
    pub failures: u64,
    pub retry_at: Option<Timestamp>,
}

/// The step of a script that is on its way.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    pub script: String,
    pub number: u64,
    pub steps: u64,
    pub state: String,
    pub send: Option<String>,
    pub call: Option<String>,
    pub expect: Option<String>,
    #[serde(default)]
    pub met: u64,
    #[serde(default)]
    pub count: u64,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
}

/// The waiting answers of rules.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RuleRate {
    pub waiting: u64,
}

/// The requests without an answer.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Requests {
    pub waiting: u64,
    pub in_flight: u64,
}

/// The number of subscriptions in each state.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Subscriptions {
    pub wanted: u64,
    pub sent: u64,
    pub active: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub ended: u64,
}

/// The last error.
#[derive(Clone, Debug, Deserialize)]
pub struct LastError {
    pub kind: String,
    pub status: Option<u16>,
    pub text: String,
    pub at: Timestamp,
}

/// How the last socket ended.
#[derive(Clone, Debug, Deserialize)]
pub struct LastClose {
    pub code: Option<u16>,
    pub reason: String,
    pub clean: bool,
    pub by: String,
    #[serde(default)]
    pub sent: Option<SentClose>,
}

/// A close frame from the service.
#[derive(Clone, Debug, Deserialize)]
pub struct SentClose {
    pub code: u16,
    pub reason: String,
}

/// The number of messages and bytes.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Traffic {
    pub messages: u64,
    pub bytes: u64,
}

/// A socket that a client of the raw bridge has for itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Session {
    #[serde(default)]
    pub id: u64,
    pub state: String,
    pub since: Timestamp,
    #[serde(default)]
    pub client: Option<String>,
    #[serde(default)]
    pub peer: Option<String>,
    #[serde(default)]
    pub sent: Traffic,
    #[serde(default)]
    pub received: Traffic,
}

/// The messages that wait to be sent.
#[derive(Clone, Debug, Deserialize)]
pub struct Outbox {
    pub messages: u64,
    pub bytes: u64,
    pub in_doubt: u64,
    pub dropped: u64,
}
