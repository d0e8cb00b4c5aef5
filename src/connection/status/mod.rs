//! The status of a name.

pub(super) mod last_message;
pub(super) mod requests;
pub(super) mod rotation;
pub(super) mod session;
pub(super) mod step;
pub(super) mod watch;

use std::{borrow::Cow, time::Duration};

use everwire_proto::dialogue::SubscriptionCounts;
use jiff::Timestamp;
use serde::Serialize;

use self::{
    requests::RequestsStatus,
    rotation::RotationStatus,
    session::SessionStatus,
    step::{RuleRate, StepStatus},
};
pub use crate::events::Traffic;
use crate::{
    core::{Cause, CloseBy, ClosedReport, ConnectionName, Rule, SentClose, displayable},
    events::{TlsReport, millis, optional_time, rfc3339},
};

/// The state of a name, as users see it. [`ready_state`](Self::ready_state) gives the number of the WebSocket standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Not asked to connect.
    Idle,
    /// Dialling.
    Connecting,
    /// The socket is up, the opening messages are on their way.
    Opening,
    /// The socket is in use.
    Open,
    /// Waiting for the next dial.
    Backoff,
    /// The closing handshake is under way.
    Closing,
    /// Closed by hand.
    Closed,
    /// Gave up.
    Failed,
}

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Idle,
        Self::Connecting,
        Self::Opening,
        Self::Open,
        Self::Backoff,
        Self::Closing,
        Self::Closed,
        Self::Failed,
    ];

    /// `WebSocket.readyState`: 0 connecting, 1 open, 2 closing, 3 closed.
    pub fn ready_state(self) -> u8 {
        match self {
            Self::Connecting | Self::Backoff => 0,
            Self::Opening | Self::Open => 1,
            Self::Closing => 2,
            Self::Idle | Self::Closed | Self::Failed => 3,
        }
    }

    /// The name that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Backoff => "backoff",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// The text names no [`State`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown state {0:?}; the states are idle, connecting, opening, open, backoff, closing, closed, failed"
)]
pub struct UnknownState(String);

/// A snapshot of one name. Serialized it is the JSON of the API.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The name.
    pub name: ConnectionName,
    /// Its state.
    pub state: State,
    /// The number of the WebSocket standard.
    pub ready_state: u8,
    /// Whether the opening messages are out and application messages flow.
    pub ready: bool,
    /// The URL that is in use or dialled next, with its variables unexpanded.
    pub url: String,
    /// All URLs in the order of preference; empty if there is only one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<UrlStatus>,
    /// The subprotocol of the current socket.
    pub subprotocol: Option<String>,
    /// What TLS reports about the peer; `None` without a socket, or without TLS.
    pub tls: Option<TlsReport>,
    /// For filters.
    pub tags: Vec<String>,
    /// Since when it is in this state.
    #[serde(serialize_with = "time")]
    pub since: Timestamp,
    /// The life of the name; a fencing number.
    pub epoch: u32,
    /// Which restart of the actor this is, from 1: at most one socket each.
    pub incarnation: u32,
    /// The retries since the last stable socket.
    pub attempt: u32,
    /// When the next dial is due.
    #[serde(serialize_with = "optional_time")]
    pub retry_at: Option<Timestamp>,
    /// Why it is in this state. `None` if that needs no reason: it is idle, up, or was asked to
    /// dial.
    pub cause: Option<StateCause>,
    /// The current step of a script: the name is not ready before it has passed.
    pub step: Option<StepStatus>,
    /// The waiting answers of rules, if too many came within a second.
    pub rule_rate: Option<RuleRate>,
    /// The preparation of the current dial: a method and a URL as it was written, without its
    /// query, or a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preparing: Option<String>,
    /// A rotation whose new socket has failed so far; `None`: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<RotationStatus>,
    /// The last error, if there was one; it may be older than the present state.
    pub last_error: Option<LastError>,
    /// How the last socket ended.
    pub last_close: Option<LastClose>,
    /// The lost sockets and failed dials that were followed by a dial. Rotations and closes by hand
    /// do not count.
    pub reconnects: u64,
    /// The last heartbeat's round trip, in milliseconds.
    #[serde(rename = "rtt_ms", serialize_with = "optional_millis")]
    pub rtt: Option<Duration>,
    /// Application messages that were handed to the kernel: those of the outbox, of `on_open`, and
    /// `Connect`'s data. Texts of a heartbeat do not count.
    pub sent: Traffic,
    /// Application messages that came in.
    pub received: Traffic,
    /// When the last application message came in.
    #[serde(serialize_with = "optional_time")]
    pub last_message_at: Option<Timestamp>,
    /// The waiting messages.
    pub outbox: OutboxStatus,
    /// The requests of callers that have no answer yet; `None`: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<RequestsStatus>,
    /// The number of subscriptions by state; `None`: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriptions: Option<SubscriptionCounts>,
    /// The separate sockets that callers have opened, in the order in which they asked for them.
    pub sessions: Vec<SessionStatus>,
    /// Whether another one can be opened now: the name is meant to be up, and has neither failed
    /// nor been closed by hand.
    pub takes_sessions: bool,
    /// The number of subscribers of this name, without those that are [left
    /// out](crate::hub::SubscriptionGuard::uncounted).
    pub subscribers: usize,
}

/// One of several URLs of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UrlStatus {
    /// The URL, with its variables unexpanded.
    pub url: String,
    /// How often it has failed in a row: dials, and sockets that were lost before they were stable.
    pub failures: u32,
}

/// Why a name is in its present state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StateCause {
    /// What led to the state.
    pub reason: StateReason,
    /// The rule that decided what follows. `None` while a socket is still closing, and if there was
    /// no loss to judge.
    pub rule: Option<Rule>,
    /// When it was decided.
    pub at: Timestamp,
}

/// The reason for a state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StateReason {
    /// A dial failed, or a socket was lost.
    Loss(Cause),
    /// The name is durable, and the store cannot be opened for this reason. It is tried again.
    Store(String),
    /// The name has no socket of its own: `sessions_only` is set.
    SessionsOnly,
    /// The name was closed by hand, by this process or by an earlier one.
    ClosedByHand,
    /// The manager shuts down.
    Shutdown,
    /// The name is being removed.
    Removed,
    /// The socket is being replaced by another one, which is dialled when it has ended: `rotation`
    /// is "replace".
    Rotation,
}

impl StateReason {
    /// The stable name of this kind of reason. For a loss it is the name of its [`Cause`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Loss(cause) => cause.kind(),
            Self::Store(_) => "store",
            Self::SessionsOnly => "sessions_only",
            Self::ClosedByHand => "closed_by_hand",
            Self::Shutdown => "shutdown",
            Self::Removed => "removed",
            Self::Rotation => "rotation",
        }
    }

    /// One line for an operator.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Loss(cause) => cause.text(),
            Self::Store(text) => displayable(text),
            Self::SessionsOnly => "it keeps no socket of its own: sessions_only is set".into(),
            Self::ClosedByHand => "closed by hand".into(),
            Self::Shutdown => "the service shuts down".into(),
            Self::Removed => "the name is being removed".into(),
            Self::Rotation => "another socket takes its place".into(),
        }
    }
}

impl StateCause {
    /// For a name that was closed by hand before its actor began.
    pub(in crate::connection) fn closed_by_hand() -> Self {
        Self {
            reason: StateReason::ClosedByHand,
            rule: None,
            at: Timestamp::now(),
        }
    }
}

impl Serialize for StateCause {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", self.reason.kind())?;
        map.serialize_entry("text", &self.reason.text())?;
        map.serialize_entry("rule", &self.rule.as_ref().map(Rule::to_string))?;
        map.serialize_entry("at", &rfc3339(self.at))?;
        map.end()
    }
}

/// The last error of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct LastError {
    /// What went wrong.
    pub cause: Cause,
    /// When.
    pub at: Timestamp,
}

/// How the last socket of a name ended. The fields are those of a [`ClosedReport`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LastClose {
    /// The close code: 1005 for a close frame without one, 1006 if there was no close frame.
    pub code: u16,
    /// The reason that came with it.
    pub reason: String,
    /// Whether close frames went both ways.
    pub clean: bool,
    /// Who began.
    pub by: CloseBy,
    /// When it ended.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// The close frame that we sent first or as an answer; `None` if there was none.
    pub sent: Option<SentClose>,
}

impl LastClose {
    /// The report of that end.
    pub(in crate::connection) fn report(&self) -> ClosedReport {
        ClosedReport {
            code: self.code,
            reason: self.reason.clone(),
            clean: self.clean,
            by: self.by,
            sent: self.sent.clone(),
        }
    }

    pub(in crate::connection) fn new(report: ClosedReport, at: Timestamp) -> Self {
        let ClosedReport {
            code,
            reason,
            clean,
            by,
            sent,
        } = report;
        Self {
            code,
            reason,
            clean,
            by,
            at,
            sent,
        }
    }
}

/// The waiting messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxStatus {
    /// Messages that wait, are being written, or are kept until they are confirmed.
    pub messages: usize,
    /// Their payload bytes.
    pub bytes: usize,
    /// How long the oldest message has waited of which nothing was written, in milliseconds.
    #[serde(rename = "oldest_ms", serialize_with = "optional_millis")]
    pub oldest: Option<Duration>,
    /// Messages that the peer may or may not have: those that ended in doubt, and those that are
    /// sent again until they are confirmed.
    pub in_doubt: u64,
    /// Accepted messages that were dropped unsent, in total. None of them is in doubt.
    pub dropped: u64,
}

impl Serialize for LastError {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.cause.kind())?;
        if let Some(status) = self.cause.status() {
            map.serialize_entry("status", &status)?;
        }
        map.serialize_entry("text", &self.cause.text())?;
        map.serialize_entry("at", &rfc3339(self.at))?;
        map.end()
    }
}

fn time<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

fn optional_millis<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(millis).serialize(serializer)
}
