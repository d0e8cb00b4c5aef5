//! What each kind of event tells.

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
    /// The kind of the loss that the dial follows; `None` where it follows none. The status counts these as `reconnects`.
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
    /// Which incarnation of the name owns the socket.
    pub incarnation: u32,
    /// How long the steps of the dial took.
    pub timings: DialTimings,
    /// What TLS says of the peer; `None` for `ws`.
    pub tls: Option<TlsReport>,
}

/// What is known of the peer of a `wss` connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct TlsReport {
    /// When the peer's certificate expires; `None` if that cannot be read from it.
    #[serde(serialize_with = "optional_time")]
    pub expires_at: Option<Timestamp>,
    /// Whether any certificate would have been accepted: `tls.insecure`.
    pub insecure: bool,
}

/// How long the steps of a dial took; a step that was not needed is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct DialTimings {
    /// Resolving the host name.
    #[serde(rename = "dns_ms", serialize_with = "optional_millis")]
    pub dns: Option<Duration>,
    /// Reaching the proxy, and having it open the tunnel.
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
    /// The message's id; 0, and `null` in JSON, for an opening message and for `Connect`'s data, which have none. The message may have been
    /// accepted in an earlier epoch than the event's: see [`Handle::receipt_in`](crate::Handle::receipt_in).
    #[serde(serialize_with = "known_id")]
    pub id: u64,
    /// What became of it.
    pub fate: Fate,
    /// Whether it was written a second time.
    pub resent: bool,
}

impl Sent {
    /// An opening message was written. What becomes of it further, nobody watches.
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
    /// How it was noticed.
    pub reason: GapReason,
    /// From the last frame of the lost socket to *ready*; zero for holes and doubles.
    #[serde(rename = "blind_ms", serialize_with = "as_millis")]
    pub blind: Duration,
    /// The peer's stream, where `sequence.by` tells streams apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The peer's last number before the gap, where `sequence` says how to read it.
    pub peer_seq: Option<u64>,
    /// The peer's number behind the gap.
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
    /// A number of the peer's came again.
    Double,
    /// The peer counts from the start again.
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
    /// What TLS says of the peer; `None` for `ws`.
    pub tls: Option<TlsReport>,
    /// How the old socket ended.
    pub old: ClosedReport,
    /// Messages of the successor that were dropped because the old socket had brought them.
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
    /// One message more, of so many bytes.
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
    /// How far it came, if it was a dial that failed.
    #[serde(flatten)]
    pub dial: Option<FailedDial>,
}

impl From<Cause> for ErrorReport {
    /// What was no dial.
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
    /// How long the steps took, that one up to the failure.
    pub timings: DialTimings,
}

/// See [`EventKind::Retrying`](crate::EventKind::Retrying).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Retrying {
    /// How long until the dial.
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
}

impl DropReason {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Evicted, Self::Cancelled];

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
        }
    }
}

/// See [`EventKind::Applied`](crate::EventKind::Applied).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Applied {
    /// Whether another socket is needed for it: a dial starts anew, a socket that serves is rotated.
    pub reconnect: bool,
}

/// See [`EventKind::Subscription`](crate::EventKind::Subscription).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SubscriptionReport {
    /// The key of the subscription.
    #[serde(serialize_with = "as_text")]
    pub key: Arc<str>,
    /// Where it stands.
    pub state: SubscriptionState,
    /// What the peer said when it refused or ended it, masked, the start of it; or what was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
}
