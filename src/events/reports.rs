//! The reports of each kind of event.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use everwire_proto::dialogue::SubscriptionState;
use jiff::Timestamp;
use serde::ser::{Serialize, Serializer};

use super::{
    json::{cause, error_cause},
    times::{as_millis, as_text, optional_millis, optional_time},
};
use crate::{
    core::{Cause, ClosedReport, Fate, Phase, Rule},
    wire::deflate::Agreed,
};

/// See [`EventKind::Connecting`](crate::EventKind::Connecting).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Connecting {
    /// The retries since the last stable socket.
    pub attempt: u32,
    /// The kind of the loss before the dial; `None` if there was none. The status counts these as
    /// `reconnects`.
    pub cause: Option<&'static str>,
}

/// See [`EventKind::Opened`](crate::EventKind::Opened).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Opened {
    /// The address that answered: the peer's, or its proxy's.
    pub peer: SocketAddr,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The compression that was agreed on.
    pub compression: Option<Agreed>,
    /// The incarnation of the name that owns the socket.
    pub incarnation: u32,
    /// How long the steps of the dial took.
    pub timings: DialTimings,
    /// What TLS reports about the peer; `None` for `ws`.
    pub tls: Option<TlsReport>,
}

/// Facts about the peer of a `wss` connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TlsReport {
    /// When the peer's certificate expires; `None` if the date cannot be read from it.
    #[serde(serialize_with = "optional_time")]
    pub expires_at: Option<Timestamp>,
    /// Whether any certificate would be accepted: `tls.insecure`.
    pub insecure: bool,
}

/// How long the steps of a dial took; `None` for a step that was not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct DialTimings {
    /// Resolving the host name.
    #[serde(rename = "dns_ms", serialize_with = "optional_millis")]
    pub dns: Option<Duration>,
    /// Connecting to the proxy, and opening the tunnel.
    #[serde(rename = "proxy_ms", serialize_with = "optional_millis")]
    pub proxy: Option<Duration>,
    /// Opening the TCP connection; part of `proxy`, if there is one.
    #[serde(rename = "tcp_ms", serialize_with = "optional_millis")]
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    #[serde(rename = "tls_ms", serialize_with = "optional_millis")]
    pub tls: Option<Duration>,
    /// The upgrade request and its answer.
    #[serde(rename = "upgrade_ms", serialize_with = "optional_millis")]
    pub upgrade: Option<Duration>,
}

/// See [`EventKind::Sent`](crate::EventKind::Sent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sent {
    /// The message's id. It is 0, and `null` in JSON, for an opening message and for `Connect`'s
    /// data, which have no id. The message may have been accepted in an earlier epoch: see
    /// [`Handle::receipt_in`](crate::Handle::receipt_in).
    #[serde(serialize_with = "known_id")]
    pub id: u64,
    /// The fate that it has reached.
    pub fate: Fate,
    /// Whether it was written a second time.
    pub resent: bool,
}

impl Sent {
    /// An opening message was written. Its later fate is not tracked.
    pub(crate) const OPENING: Self = Self {
        id: 0,
        fate: Fate::Written,
        resent: false,
    };
}

/// The id, if the message has one.
fn known_id<S: Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    Some(*id).filter(|id| *id > 0).serialize(serializer)
}

/// See [`EventKind::Gap`](crate::EventKind::Gap).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Gap {
    /// How the gap was noticed.
    pub reason: GapReason,
    /// From the last frame of the lost socket to *ready*; zero for holes and doubles.
    #[serde(rename = "blind_ms", serialize_with = "as_millis")]
    pub blind: Duration,
    /// The peer's stream, if `sequence.by` tells streams apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The peer's last number before the gap, if `sequence` says how to read it.
    pub peer_seq: Option<u64>,
    /// The peer's number after the gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// How many numbers are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<u64>,
}

/// How a [`Gap`] was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapReason {
    /// There was no socket for a while.
    Reconnect,
    /// The peer's numbers have a hole.
    Hole,
    /// The peer has repeated a number.
    Double,
    /// The peer has restarted its count.
    Restart,
}

/// See [`EventKind::Rotated`](crate::EventKind::Rotated).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Rotated {
    /// The address that answered: the peer's, or its proxy's.
    pub peer: SocketAddr,
    /// The subprotocol that the server chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
    /// The incarnation that owns the new socket.
    pub incarnation: u32,
    /// How long the steps of the dial took.
    pub timings: DialTimings,
    /// What TLS reports about the peer; `None` for `ws`.
    pub tls: Option<TlsReport>,
    /// How the old socket ended.
    pub old: ClosedReport,
    /// Messages of the new socket that were dropped as duplicates of the old one's.
    pub doubled: u64,
}

/// Messages and payload bytes in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Traffic {
    /// Application messages.
    pub messages: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

impl Traffic {
    /// Counts one message of so many bytes.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// See [`EventKind::Error`](crate::EventKind::Error).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ErrorReport {
    /// What went wrong.
    #[serde(flatten, serialize_with = "error_cause")]
    pub cause: Cause,
    /// How far the dial came, if a dial failed.
    #[serde(flatten)]
    pub dial: Option<FailedDial>,
}

impl From<Cause> for ErrorReport {
    /// An error outside of a dial.
    fn from(cause: Cause) -> Self {
        Self { cause, dial: None }
    }
}

/// How far a dial came.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct FailedDial {
    /// The phase in which it failed.
    #[serde(serialize_with = "as_text")]
    pub phase: Phase,
    /// How long the steps took, the failed one included.
    pub timings: DialTimings,
}

/// See [`EventKind::Retrying`](crate::EventKind::Retrying).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Retrying {
    /// The time until the dial.
    #[serde(rename = "delay_ms", serialize_with = "as_millis")]
    pub delay: Duration,
    /// Why it is needed.
    #[serde(flatten, serialize_with = "cause")]
    pub cause: Cause,
    /// The rule that decided.
    #[serde(serialize_with = "as_text")]
    pub rule: Rule,
}

/// See [`EventKind::Failed`](crate::EventKind::Failed).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Failed {
    /// The last cause.
    #[serde(flatten, serialize_with = "cause")]
    pub cause: Cause,
    /// The rule that decided.
    #[serde(serialize_with = "as_text")]
    pub rule: Rule,
}

/// See [`EventKind::Dropped`](crate::EventKind::Dropped).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Dropped {
    /// How many messages.
    pub count: u64,
    /// Why.
    pub reason: DropReason,
}

/// Why accepted messages were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DropReason {
    /// They waited longer than `outbox.ttl`.
    Expired,
    /// They made room for newer ones.
    Evicted,
    /// The name was closed, removed, gave up or shut down.
    Cancelled,
    /// Another node of a cluster holds the name now.
    Moved,
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::Expired, Self::Evicted, Self::Cancelled, Self::Moved];

    /// The name that the API uses.
    ///
    /// ```
    /// use everwire::events::{DropReason, Dropped};
    ///
    /// let dropped = Dropped { count: 2, reason: DropReason::Expired };
    /// let line = format!("{} messages dropped: {}", dropped.count, dropped.reason.as_str());
    /// assert_eq!(line, "2 messages dropped: expired");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Cancelled => "cancelled",
            Self::Moved => "moved",
        }
    }
}

/// See [`EventKind::Applied`](crate::EventKind::Applied).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Applied {
    /// Whether the settings need another socket: a dial starts again, a socket in use is rotated.
    pub reconnect: bool,
}

/// See [`EventKind::Subscription`](crate::EventKind::Subscription).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SubscriptionReport {
    /// The key of the subscription.
    #[serde(serialize_with = "as_text")]
    pub key: Arc<str>,
    /// Its state.
    pub state: SubscriptionState,
    /// The start of the peer's refusal, masked, or a description of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
}
