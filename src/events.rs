//! What happened: the one story that log, API, page, metrics and subscribers are told.

use std::{net::SocketAddr, time::Duration};

use base64::Engine;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{
    core::{Cause, ClosedReport, ConnectionName, Cursor, Fate, Message, Phase, Rule},
    store::StoredEvent,
    wire::deflate::Agreed,
};

/// Where an event stands: whose it is, its number, its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// Whose event it is.
    pub name: ConnectionName,
    /// The life of the name; a fencing number.
    pub epoch: u32,
    /// Counts the name's events within the epoch, from 1, without holes.
    pub seq: u64,
    /// Positions a reader over all names.
    pub cursor: Cursor,
    /// When it happened, by the wall clock.
    pub at: Timestamp,
}

/// Something that happened to a name, or to the subscriber itself.
///
/// Serialized it is the JSON of the API: `{"type":…,"name":…,"epoch":1,"seq":…,"cursor":"…","at":…, …}`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A dial begins.
    Connecting(Stamp, Connecting),
    /// A socket is up.
    Opened(Stamp, Box<Opened>),
    /// The opening messages are out: the name takes part in the conversation.
    Ready(Stamp),
    /// A message came in.
    Message(Stamp, Message),
    /// A message on its way out has met a fate: `written`, or one that is final. Only for subscribers that ask for it.
    Sent(Stamp, Sent),
    /// Something of what the peer said was not heard, or came twice.
    Gap(Stamp, Box<Gap>),
    /// A socket ended, or the name was closed by hand.
    Closed(Stamp, Box<ClosedReport>),
    /// Something went wrong.
    Error(Stamp, Box<ErrorReport>),
    /// The next dial is set.
    Retrying(Stamp, Box<Retrying>),
    /// No further attempt is made.
    Failed(Stamp, Box<Failed>),
    /// Accepted messages were dropped before they were written, or written again.
    Dropped(Stamp, Dropped),
    /// Another socket serves, made ready before the old one was let go.
    Rotated(Stamp, Box<Rotated>),
    /// New settings are in force.
    Applied(Stamp, Applied),
    /// The name is gone.
    Removed(Stamp),
    /// This subscriber was too slow and missed events. It has no place in any name's numbering.
    Lagged {
        /// How many events it missed, in all, since it was last told; 0 where a reader resumes from so long ago that they
        /// cannot be counted any more.
        missed: u64,
        /// When it was told.
        at: Timestamp,
    },
    /// Our own side stood still: what was late meanwhile is not blamed on peers. It belongs to no name.
    Stalled(Stalled),
}

/// See [`Event::Connecting`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Connecting {
    /// The retries since the last stable socket.
    pub attempt: u32,
}

/// See [`Event::Opened`].
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Opened {
    /// The address that answered: the peer's, or its proxy's.
    pub peer: SocketAddr,
    /// The subprotocol that the server chose.
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// See [`Event::Sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sent {
    /// The message's id.
    pub id: u64,
    /// What became of it.
    pub fate: Fate,
    /// Whether it was written a second time.
    pub resent: bool,
}

/// See [`Event::Gap`].
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

/// See [`Event::Rotated`].
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

/// See [`Event::Stalled`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stalled {
    /// What stood still.
    pub reason: StallReason,
    /// For how long.
    pub by: Duration,
    /// When that was noticed.
    pub at: Timestamp,
}

/// What stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StallReason {
    /// A thread of ours got no time, or something blocked it.
    Arbiter,
    /// The machine: its two clocks disagree about how much time has passed.
    Clock,
}

/// See [`Event::Error`].
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorReport {
    /// What went wrong.
    pub cause: Cause,
    /// How far it came, if it was a dial that failed.
    pub dial: Option<FailedDial>,
}

impl From<Cause> for ErrorReport {
    /// What was no dial.
    fn from(cause: Cause) -> Self {
        Self { cause, dial: None }
    }
}

/// How far a dial came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailedDial {
    /// The phase in which it failed.
    pub phase: Phase,
    /// How long the steps took, that one up to the failure.
    pub timings: DialTimings,
}

/// See [`Event::Retrying`].
#[derive(Clone, Debug, PartialEq)]
pub struct Retrying {
    /// How long until the dial.
    pub delay: Duration,
    /// Why it is needed.
    pub cause: Cause,
    /// The rule that decided.
    pub rule: Rule,
}

/// See [`Event::Failed`].
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// The last cause.
    pub cause: Cause,
    /// The rule that decided.
    pub rule: Rule,
}

/// See [`Event::Dropped`].
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
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// See [`Event::Applied`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Applied {
    /// Whether another socket is needed for it: a dial starts anew, a socket that serves is rotated.
    pub reconnect: bool,
}

impl Event {
    /// Where the event stands; `None` for [`Event::Lagged`] and [`Event::Stalled`].
    pub fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::Connecting(stamp, _)
            | Self::Opened(stamp, _)
            | Self::Ready(stamp)
            | Self::Message(stamp, _)
            | Self::Sent(stamp, _)
            | Self::Gap(stamp, _)
            | Self::Rotated(stamp, _)
            | Self::Closed(stamp, _)
            | Self::Error(stamp, _)
            | Self::Retrying(stamp, _)
            | Self::Failed(stamp, _)
            | Self::Dropped(stamp, _)
            | Self::Applied(stamp, _)
            | Self::Removed(stamp) => Some(stamp),
            Self::Lagged { .. } | Self::Stalled(_) => None,
        }
    }

    /// A message of a name's history, as an earlier process has left it.
    pub(crate) fn recalled(name: &ConnectionName, stored: StoredEvent) -> Self {
        let stamp = Stamp {
            name: name.clone(),
            epoch: stored.epoch,
            seq: stored.seq,
            cursor: Cursor(stored.position),
            at: stored.at,
        };
        Self::Message(stamp, stored.message)
    }

    /// Its place over all names; the first where it belongs to none.
    pub(crate) fn cursor(&self) -> Cursor {
        self.stamp().map(|stamp| stamp.cursor).unwrap_or_default()
    }

    /// Puts the event in its place over all names.
    pub(crate) fn place(&mut self, cursor: Cursor) {
        if let Some(stamp) = self.stamp_mut() {
            stamp.cursor = cursor;
        }
    }

    fn stamp_mut(&mut self) -> Option<&mut Stamp> {
        match self {
            Self::Connecting(stamp, _)
            | Self::Opened(stamp, _)
            | Self::Ready(stamp)
            | Self::Message(stamp, _)
            | Self::Sent(stamp, _)
            | Self::Gap(stamp, _)
            | Self::Rotated(stamp, _)
            | Self::Closed(stamp, _)
            | Self::Error(stamp, _)
            | Self::Retrying(stamp, _)
            | Self::Failed(stamp, _)
            | Self::Dropped(stamp, _)
            | Self::Applied(stamp, _)
            | Self::Removed(stamp) => Some(stamp),
            Self::Lagged { .. } | Self::Stalled(_) => None,
        }
    }

    /// Whose event it is; `None` for [`Event::Lagged`] and [`Event::Stalled`].
    pub fn name(&self) -> Option<&ConnectionName> {
        self.stamp().map(|stamp| &stamp.name)
    }

    /// The `type` of the JSON form of each kind.
    pub const KINDS: [&str; 16] = [
        "connecting",
        "opened",
        "ready",
        "message",
        "sent",
        "gap",
        "closed",
        "error",
        "retrying",
        "failed",
        "dropped",
        "rotated",
        "applied",
        "removed",
        "lagged",
        "stalled",
    ];

    /// The number of [`Event::Sent`] among the kinds.
    pub(crate) const SENT: usize = 4;

    /// The `type` of the JSON form.
    pub fn kind(&self) -> &'static str {
        Self::KINDS[self.kind_number()]
    }

    /// The place of this event's kind in [`KINDS`](Self::KINDS).
    pub(crate) fn kind_number(&self) -> usize {
        match self {
            Self::Connecting(..) => 0,
            Self::Opened(..) => 1,
            Self::Ready(_) => 2,
            Self::Message(..) => 3,
            Self::Sent(..) => Self::SENT,
            Self::Gap(..) => 5,
            Self::Closed(..) => 6,
            Self::Error(..) => 7,
            Self::Retrying(..) => 8,
            Self::Failed(..) => 9,
            Self::Dropped(..) => 10,
            Self::Rotated(..) => 11,
            Self::Applied(..) => 12,
            Self::Removed(_) => 13,
            Self::Lagged { .. } => 14,
            Self::Stalled(_) => 15,
        }
    }

    /// The payload bytes that the event carries: what a subscriber's queue is bounded by, besides the number of events.
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Message(_, message) => message.len(),
            _ => 0,
        }
    }
}

impl actix::Message for Event {
    type Result = ();
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind())?;
        if let Some(stamp) = self.stamp() {
            map.serialize_entry("name", &stamp.name)?;
            map.serialize_entry("epoch", &stamp.epoch)?;
            map.serialize_entry("seq", &stamp.seq)?;
            map.serialize_entry("cursor", &stamp.cursor.to_string())?;
            map.serialize_entry("at", &rfc3339(stamp.at))?;
        }
        match self {
            Self::Connecting(_, connecting) => {
                map.serialize_entry("attempt", &connecting.attempt)?
            }
            Self::Opened(_, opened) => {
                map.serialize_entry("peer", &opened.peer)?;
                map.serialize_entry("subprotocol", &opened.subprotocol)?;
                map.serialize_entry("compression", &opened.compression)?;
                map.serialize_entry("incarnation", &opened.incarnation)?;
                map.serialize_entry("timings", &opened.timings)?;
                map.serialize_entry("tls", &opened.tls)?;
            }
            Self::Ready(_) => map.serialize_entry("vars", &serde_json::Map::new())?,
            Self::Message(_, Message::Text(text)) => map.serialize_entry("text", &**text)?,
            Self::Message(_, Message::Binary(bytes)) => {
                let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
                map.serialize_entry("base64", &base64)?;
            }
            Self::Sent(_, sent) => {
                map.serialize_entry("id", &sent.id)?;
                map.serialize_entry("fate", &sent.fate)?;
                map.serialize_entry("resent", &sent.resent)?;
            }
            Self::Gap(_, gap) => serialize_flat(&mut map, &**gap)?,
            Self::Rotated(_, rotated) => serialize_flat(&mut map, &**rotated)?,
            Self::Closed(_, report) => {
                map.serialize_entry("code", &report.code)?;
                map.serialize_entry("reason", &report.reason)?;
                map.serialize_entry("clean", &report.clean)?;
                map.serialize_entry("by", &report.by)?;
            }
            Self::Error(_, report) => {
                serialize_cause(&mut map, &report.cause)?;
                if let Some(dial) = &report.dial {
                    map.serialize_entry("phase", &dial.phase.to_string())?;
                    map.serialize_entry("timings", &dial.timings)?;
                }
            }
            Self::Retrying(_, retrying) => {
                map.serialize_entry("delay_ms", &millis(retrying.delay))?;
                map.serialize_entry("cause", retrying.cause.kind())?;
                map.serialize_entry("text", &retrying.cause.text())?;
                map.serialize_entry("rule", &retrying.rule.to_string())?;
            }
            Self::Failed(_, failed) => {
                map.serialize_entry("cause", failed.cause.kind())?;
                map.serialize_entry("text", &failed.cause.text())?;
                map.serialize_entry("rule", &failed.rule.to_string())?;
            }
            Self::Dropped(_, dropped) => {
                map.serialize_entry("count", &dropped.count)?;
                map.serialize_entry("reason", &dropped.reason)?;
            }
            Self::Applied(_, applied) => map.serialize_entry("reconnect", &applied.reconnect)?,
            Self::Removed(_) => {}
            Self::Lagged { missed, at } => {
                map.serialize_entry("missed", missed)?;
                map.serialize_entry("at", &rfc3339(*at))?;
            }
            Self::Stalled(stalled) => {
                map.serialize_entry("reason", &stalled.reason)?;
                map.serialize_entry("by_ms", &millis(stalled.by))?;
                map.serialize_entry("at", &rfc3339(stalled.at))?;
            }
        }
        map.end()
    }
}

/// The fields of a value, among those of the event.
fn serialize_flat<M: SerializeMap>(map: &mut M, value: &impl Serialize) -> Result<(), M::Error> {
    let fields = serde_json::to_value(value).map_err(serde::ser::Error::custom)?;
    for (key, field) in fields.as_object().into_iter().flatten() {
        map.serialize_entry(key, field)?;
    }
    Ok(())
}

fn serialize_cause<M: SerializeMap>(map: &mut M, cause: &Cause) -> Result<(), M::Error> {
    map.serialize_entry("kind", cause.kind())?;
    if let Some(status) = cause.status() {
        map.serialize_entry("status", &status)?;
    }
    map.serialize_entry("text", &cause.text())
}

/// A time as RFC 3339 in UTC, with microseconds.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// A duration in milliseconds, with a fraction.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// A time of [`rfc3339`], or null.
pub(crate) fn optional_time<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(rfc3339).serialize(serializer)
}

fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(millis(*duration))
}

fn optional_millis<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(millis).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: 7,
            cursor: Cursor(255),
            at: "2026-01-02T03:04:05.6Z".parse().unwrap(),
        }
    }

    #[test]
    fn an_event_has_the_shape_of_the_contract() {
        let json = |event: Event| serde_json::to_string(&event).unwrap();
        let head =
            r#""name":"feed","epoch":1,"seq":7,"cursor":"ff","at":"2026-01-02T03:04:05.600000Z""#;
        assert_eq!(
            json(Event::Message(stamp(), Message::text("hi"))),
            format!(r#"{{"type":"message",{head},"text":"hi"}}"#)
        );
        assert_eq!(
            json(Event::Message(stamp(), Message::binary(vec![0, 255]))),
            format!(r#"{{"type":"message",{head},"base64":"AP8="}}"#)
        );
        assert_eq!(
            json(Event::Retrying(
                stamp(),
                Box::new(Retrying {
                    delay: Duration::from_micros(1500),
                    cause: Cause::PongTimeout,
                    rule: Rule::Backoff
                })
            )),
            format!(
                r#"{{"type":"retrying",{head},"delay_ms":1.5,"cause":"pong_timeout","text":"no answer to a heartbeat in time","rule":"backoff"}}"#
            )
        );
        assert_eq!(
            json(Event::Lagged {
                missed: 3,
                at: stamp().at
            }),
            r#"{"type":"lagged","missed":3,"at":"2026-01-02T03:04:05.600000Z"}"#
        );
    }
}
