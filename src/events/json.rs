//! The JSON of updates, where it does not follow from the types.

use base64::Engine;
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

use crate::core::{Cause, Message};

/// The values that a script has captured.
pub(super) fn ready<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry("vars", &serde_json::Map::new())?;
    map.end()
}

/// A kind without members.
pub(super) fn nothing<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_map(Some(0))?.end()
}

/// The text, or the bytes in base64.
pub(super) fn message<S: Serializer>(message: &Message, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    match message {
        Message::Text(text) => map.serialize_entry("text", &**text)?,
        Message::Binary(bytes) => {
            let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
            map.serialize_entry("base64", &base64)?;
        }
    }
    map.end()
}

/// The members, sorted by name.
pub(super) fn sorted<S: Serializer>(
    report: &impl Serialize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let members = serde_json::to_value(report).map_err(S::Error::custom)?;
    members.serialize(serializer)
}

/// The error: its kind, its HTTP status if it has one, and its text.
pub(super) fn error_cause<S: Serializer>(cause: &Cause, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("kind", cause.kind())?;
    if let Some(status) = cause.status() {
        map.serialize_entry("status", &status)?;
    }
    map.serialize_entry("text", &cause.text())?;
    map.end()
}

/// The reason of a decision.
pub(super) fn cause<S: Serializer>(cause: &Cause, serializer: S) -> Result<S::Ok, S::Error> {
    kind_and_text(cause.kind(), &cause.text(), serializer)
}

/// The reason of an end or a decision: a kind and a text.
pub(super) fn kind_and_text<S: Serializer>(
    kind: &str,
    text: &str,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("cause", kind)?;
    map.serialize_entry("text", text)?;
    map.end()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use everwire_proto::dialogue::SubscriptionState;

    use crate::{
        core::{Cause, CloseBy, ClosedReport, ConnectionName, Cursor, Fate, Message, Phase, Rule},
        events::{
            Applied, Connecting, DialTimings, DropReason, Dropped, ErrorReport, Event, EventKind,
            Failed, FailedDial, Gap, GapReason, Lagged, Notice, Opened, Retrying, Rotated, Sent,
            SessionClosed, SessionEnd, SessionOpened, StallReason, Stalled, Stamp,
            SubscriptionReport, TlsReport, Traffic, Update,
        },
    };

    const AT: &str = "2026-01-02T03:04:05.6Z";

    fn told(kind: EventKind) -> Update {
        let stamp = Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: 7,
            cursor: Cursor(255),
            at: AT.parse().unwrap(),
            subscription: None,
        };
        Update::Event(Event { stamp, kind })
    }

    #[test]
    #[rustfmt::skip]
    fn each_kind_has_the_shape_of_the_contract() {
        let at = AT.parse().unwrap();
        let peer = "127.0.0.1:80".parse().unwrap();
        let timings = DialTimings { dns: Some(Duration::from_micros(1500)), tcp: Some(Duration::from_millis(2)), ..DialTimings::default() };
        let closed = ClosedReport { code: 1000, reason: "bye".into(), clean: true, by: CloseBy::Peer, sent: None };
        let head = r#""name":"feed","epoch":1,"seq":7,"cursor":"ff","at":"2026-01-02T03:04:05.600000Z""#;
        let all: Vec<(Update, &str)> = vec![
            (told(EventKind::Connecting(Connecting { attempt: 2, cause: Some("eof") })), r#"{"type":"connecting",HEAD,"attempt":2,"cause":"eof"}"#),
            (told(EventKind::Opened(Box::new(Opened { peer, subprotocol: Some("v1".into()), compression: None, incarnation: 3, timings, tls: Some(TlsReport { expires_at: Some(at), insecure: false }) }))), r#"{"type":"opened",HEAD,"peer":"127.0.0.1:80","subprotocol":"v1","compression":null,"incarnation":3,"timings":{"dns_ms":1.5,"proxy_ms":null,"tcp_ms":2.0,"tls_ms":null,"upgrade_ms":null},"tls":{"expires_at":"2026-01-02T03:04:05.600000Z","insecure":false}}"#),
            (told(EventKind::Opened(Box::new(Opened { peer, subprotocol: None, compression: None, incarnation: 3, timings, tls: None }))), r#"{"type":"opened",HEAD,"peer":"127.0.0.1:80","subprotocol":null,"compression":null,"incarnation":3,"timings":{"dns_ms":1.5,"proxy_ms":null,"tcp_ms":2.0,"tls_ms":null,"upgrade_ms":null},"tls":null}"#),
            (told(EventKind::Ready), r#"{"type":"ready",HEAD,"vars":{}}"#),
            (told(EventKind::Message(Message::text("h\"i"))), r#"{"type":"message",HEAD,"text":"h\"i"}"#),
            (told(EventKind::Message(Message::binary(vec![0, 255]))), r#"{"type":"message",HEAD,"base64":"AP8="}"#),
            (told(EventKind::Sent(Sent { id: 7, fate: Fate::Written, resent: true })), r#"{"type":"sent",HEAD,"id":7,"fate":"written","resent":true}"#),
            (told(EventKind::Sent(Sent::OPENING)), r#"{"type":"sent",HEAD,"id":null,"fate":"written","resent":false}"#),
            (told(EventKind::Gap(Box::new(Gap { reason: GapReason::Hole, blind: Duration::from_micros(2500), stream: Some("s".into()), peer_seq: Some(4), next: Some(6), missing: Some(1) }))), r#"{"type":"gap",HEAD,"blind_ms":2.5,"missing":1,"next":6,"peer_seq":4,"reason":"hole","stream":"s"}"#),
            (told(EventKind::Gap(Box::new(Gap { reason: GapReason::Reconnect, blind: Duration::ZERO, stream: None, peer_seq: None, next: None, missing: None }))), r#"{"type":"gap",HEAD,"blind_ms":0.0,"peer_seq":null,"reason":"reconnect"}"#),
            (told(EventKind::Closed(Box::new(closed.clone()))), r#"{"type":"closed",HEAD,"code":1000,"reason":"bye","clean":true,"by":"peer","sent":null}"#),
            (told(EventKind::Error(Box::new(ErrorReport { cause: Cause::Eof, dial: Some(FailedDial { phase: Phase::Tcp, timings }) }))), r#"{"type":"error",HEAD,"kind":"eof","text":"the connection ended without a close frame","phase":"tcp","timings":{"dns_ms":1.5,"proxy_ms":null,"tcp_ms":2.0,"tls_ms":null,"upgrade_ms":null}}"#),
            (told(EventKind::Error(Box::new(ErrorReport { cause: Cause::HandshakeStatus { status: 503, text: "busy".into(), retry_after: None }, dial: None }))), r#"{"type":"error",HEAD,"kind":"handshake_status","status":503,"text":"the server answered 503 instead of 101: busy"}"#),
            (told(EventKind::Retrying(Box::new(Retrying { delay: Duration::from_micros(1500), cause: Cause::PongTimeout, rule: Rule::Backoff }))), r#"{"type":"retrying",HEAD,"delay_ms":1.5,"cause":"pong_timeout","text":"no answer to a heartbeat in time","rule":"backoff"}"#),
            (told(EventKind::Failed(Box::new(Failed { cause: Cause::PongTimeout, rule: Rule::Backoff }))), r#"{"type":"failed",HEAD,"cause":"pong_timeout","text":"no answer to a heartbeat in time","rule":"backoff"}"#),
            (told(EventKind::Dropped(Dropped { count: 3, reason: DropReason::Expired })), r#"{"type":"dropped",HEAD,"count":3,"reason":"expired"}"#),
            (told(EventKind::Rotated(Box::new(Rotated { peer, subprotocol: Some("v2".into()), incarnation: 4, timings, tls: None, old: closed, doubled: 2 }))), r#"{"type":"rotated",HEAD,"doubled":2,"incarnation":4,"old":{"by":"peer","clean":true,"code":1000,"reason":"bye","sent":null},"peer":"127.0.0.1:80","subprotocol":"v2","timings":{"dns_ms":1.5,"proxy_ms":null,"tcp_ms":2.0,"tls_ms":null,"upgrade_ms":null},"tls":null}"#),
            (told(EventKind::Applied(Applied { reconnect: true })), r#"{"type":"applied",HEAD,"reconnect":true}"#),
            (told(EventKind::Removed), r#"{"type":"removed",HEAD}"#),
            (told(EventKind::SessionOpened(Box::new(SessionOpened { session: 1, peer, subprotocol: None, client: Some("c".into()) }))), r#"{"type":"session_opened",HEAD,"client":"c","peer":"127.0.0.1:80","session":1,"subprotocol":null}"#),
            (told(EventKind::Subscription(Box::new(SubscriptionReport { key: "trades".into(), state: SubscriptionState::Refused, text: Some("no such channel".into()) }))), r#"{"type":"subscription",HEAD,"key":"trades","state":"refused","text":"no such channel"}"#),
            (told(EventKind::SessionClosed(Box::new(SessionClosed { session: 1, end: SessionEnd::Lost(Cause::Eof), peer: Some(peer), client: None, lasted: Duration::from_millis(3), sent: Traffic { messages: 1, bytes: 2 }, received: Traffic::default() }))), r#"{"type":"session_closed",HEAD,"session":1,"cause":"eof","text":"the connection ended without a close frame","peer":"127.0.0.1:80","client":null,"lasted_ms":3.0,"sent":{"messages":1,"bytes":2},"received":{"messages":0,"bytes":0}}"#),
            (Notice::Lagged(Lagged { missed: Some(3), at }).into(), r#"{"type":"lagged","missed":3,"at":"2026-01-02T03:04:05.600000Z"}"#),
            (Notice::Lagged(Lagged { missed: None, at }).into(), r#"{"type":"lagged","missed":null,"at":"2026-01-02T03:04:05.600000Z"}"#),
            (Notice::Stalled(Stalled { reason: StallReason::Clock, by: Duration::from_millis(700), at }).into(), r#"{"type":"stalled","reason":"clock","by_ms":700.0,"at":"2026-01-02T03:04:05.600000Z"}"#),
        ];
        for (update, json) in all {
            assert_eq!(serde_json::to_string(&update).unwrap(), json.replace("HEAD", head));
        }
    }

    #[test]
    fn an_event_is_small() {
        assert!(size_of::<Update>() <= 112, "{}", size_of::<Update>());
        assert!(size_of::<EventKind>() <= 40, "{}", size_of::<EventKind>());
    }
}
