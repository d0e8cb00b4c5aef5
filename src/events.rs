//! What happened: the one story that log, API, page, metrics and subscribers are told.

use std::{net::SocketAddr, time::Duration};

use base64::Engine;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{
    core::{Cause, ClosedReport, ConnectionName, Cursor, Message, Rule},
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
    /// A socket ended, or the name was closed by hand.
    Closed(Stamp, Box<ClosedReport>),
    /// Something went wrong.
    Error(Stamp, Box<Cause>),
    /// The next dial is set.
    Retrying(Stamp, Box<Retrying>),
    /// No further attempt is made.
    Failed(Stamp, Box<Failed>),
    /// Accepted messages were dropped unsent.
    Dropped(Stamp, Dropped),
    /// New settings are in force.
    Applied(Stamp, Applied),
    /// The name is gone.
    Removed(Stamp),
    /// This subscriber was too slow and missed events. It has no place in any name's numbering.
    Lagged {
        /// How many events it missed, in all, since it was last told.
        missed: u64,
        /// When it was told.
        at: Timestamp,
    },
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

/// Why accepted messages were dropped unsent.
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

/// See [`Event::Applied`].
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Applied {
    /// Whether the socket had to be replaced for it.
    pub reconnect: bool,
}

impl Event {
    /// Where the event stands; `None` for [`Event::Lagged`].
    pub fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::Connecting(stamp, _)
            | Self::Opened(stamp, _)
            | Self::Ready(stamp)
            | Self::Message(stamp, _)
            | Self::Closed(stamp, _)
            | Self::Error(stamp, _)
            | Self::Retrying(stamp, _)
            | Self::Failed(stamp, _)
            | Self::Dropped(stamp, _)
            | Self::Applied(stamp, _)
            | Self::Removed(stamp) => Some(stamp),
            Self::Lagged { .. } => None,
        }
    }

    /// Whose event it is; `None` for [`Event::Lagged`].
    pub fn name(&self) -> Option<&ConnectionName> {
        self.stamp().map(|stamp| &stamp.name)
    }

    /// The `type` of the JSON form.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connecting(..) => "connecting",
            Self::Opened(..) => "opened",
            Self::Ready(_) => "ready",
            Self::Message(..) => "message",
            Self::Closed(..) => "closed",
            Self::Error(..) => "error",
            Self::Retrying(..) => "retrying",
            Self::Failed(..) => "failed",
            Self::Dropped(..) => "dropped",
            Self::Applied(..) => "applied",
            Self::Removed(_) => "removed",
            Self::Lagged { .. } => "lagged",
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
            Self::Closed(_, report) => {
                map.serialize_entry("code", &report.code)?;
                map.serialize_entry("reason", &report.reason)?;
                map.serialize_entry("clean", &report.clean)?;
                map.serialize_entry("by", &report.by)?;
            }
            Self::Error(_, cause) => serialize_cause(&mut map, cause)?,
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
        }
        map.end()
    }
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
            cursor: Cursor {
                origin: 10,
                position: 255,
            },
            at: "2026-01-02T03:04:05.6Z".parse().unwrap(),
        }
    }

    #[test]
    fn an_event_has_the_shape_of_the_contract() {
        let json = |event: Event| serde_json::to_string(&event).unwrap();
        let head =
            r#""name":"feed","epoch":1,"seq":7,"cursor":"a-ff","at":"2026-01-02T03:04:05.600000Z""#;
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
