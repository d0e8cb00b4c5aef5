//! An event as the API writes it.

use base64::Engine;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{
    event::Event,
    times::{millis, rfc3339},
};
use crate::core::{Cause, Message};

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
                map.serialize_entry("attempt", &connecting.attempt)?;
                map.serialize_entry("cause", &connecting.cause)?;
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
                map.serialize_entry("id", &sent.known_id())?;
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
                map.serialize_entry("sent", &report.sent)?;
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
            Self::SessionOpened(_, opened) => serialize_flat(&mut map, &**opened)?,
            Self::SessionClosed(_, closed) => {
                map.serialize_entry("session", &closed.session)?;
                map.serialize_entry("cause", closed.end.kind())?;
                map.serialize_entry("text", &closed.end.text())?;
                map.serialize_entry("peer", &closed.peer)?;
                map.serialize_entry("client", &closed.client)?;
                map.serialize_entry("lasted_ms", &millis(closed.lasted))?;
                map.serialize_entry("sent", &closed.sent)?;
                map.serialize_entry("received", &closed.received)?;
            }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        core::{ConnectionName, Cursor, Rule},
        events::{Retrying, Stamp},
    };

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
        for (missed, told) in [(Some(3), "3"), (None, "null")] {
            assert_eq!(
                json(Event::Lagged {
                    missed,
                    at: stamp().at
                }),
                format!(
                    r#"{{"type":"lagged","missed":{told},"at":"2026-01-02T03:04:05.600000Z"}}"#
                )
            );
        }
    }
}
