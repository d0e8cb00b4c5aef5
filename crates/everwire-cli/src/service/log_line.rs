//! An update as a log line. The level `info` tells what is up, what is down, why, and until when.

use std::time::Duration;

use everwire::{
    Event, EventKind, Message, Notice, Update,
    core::{CloseBy, ConnectionName},
    events::{DialTimings, Stamp, rfc3339},
};
use tracing::Level;

/// The target of all lines about connections.
const TARGET: &str = "everwire::event";

/// A line about a name: level, stamp, type, fields.
macro_rules! line {
    ($level:ident, $stamp:expr, $kind:expr $(, $($fields:tt)+)?) => {
        tracing::event!(
            target: TARGET, Level::$level,
            name = $stamp.name.as_str() $(, $($fields)+)?, epoch = $stamp.epoch, seq = $stamp.seq, "{}", $kind
        )
    };
}

/// Writes the line. Texts of the peer are passed as strings, so that the format escapes them.
pub fn update(update: &Update) {
    match update {
        Update::Event(event) => log_event(event),
        Update::Notice(Notice::Stalled(stalled)) => tracing::event!(
            target: TARGET, Level::WARN,
            reason = json_word(&stalled.reason).as_str(),
            by_ms = millis(stalled.by),
            "{}", update.type_name()
        ),
        // A callback misses no event.
        Update::Notice(_) => {}
    }
}

fn log_event(Event { stamp, kind }: &Event) {
    let type_name = kind.as_str();
    match kind {
        EventKind::Connecting(connecting) => {
            line!(DEBUG, stamp, type_name, attempt = connecting.attempt);
        }
        EventKind::Opened(opened) => {
            if opened.tls.is_some_and(|tls| tls.insecure) {
                line!(
                    WARN,
                    stamp,
                    "insecure",
                    text = "tls.insecure is set: the peer's certificate was not checked, and anyone may be in between"
                );
            }
            line!(
            INFO, stamp, type_name,
            peer = %opened.peer,
            subprotocol = opened.subprotocol.as_deref(),
            compressed = opened.compression.is_some(),
            incarnation = opened.incarnation,
            dns_ms = opened.timings.dns.map(millis),
                proxy_ms = opened.timings.proxy.map(millis),
            tcp_ms = opened.timings.tcp.map(millis),
            tls_ms = opened.timings.tls.map(millis),
            upgrade_ms = opened.timings.upgrade.map(millis),
            tls_expires_at = opened.tls.and_then(|tls| tls.expires_at).map(rfc3339)
            );
        }
        EventKind::Ready => line!(INFO, stamp, type_name),
        EventKind::Closed(report) => line!(
            INFO,
            stamp,
            type_name,
            code = report.code,
            reason = report.reason.as_str(),
            clean = report.clean,
            by = by(report.by),
            sent_code = report.sent.as_ref().map(|sent| sent.code),
            sent_reason = report.sent.as_ref().map(|sent| sent.reason.as_str())
        ),
        EventKind::Error(report) => {
            let cause = &report.cause;
            let dial = report.dial.as_ref();
            let took = |step: fn(&DialTimings) -> Option<Duration>| {
                dial.and_then(|dial| step(&dial.timings)).map(millis)
            };
            line!(
                WARN,
                stamp,
                type_name,
                cause = cause.kind(),
                status = cause.status(),
                text = &*cause.text(),
                phase = dial.map(|dial| dial.phase.to_string()),
                dns_ms = took(|timings| timings.dns),
                proxy_ms = took(|timings| timings.proxy),
                tcp_ms = took(|timings| timings.tcp),
                tls_ms = took(|timings| timings.tls),
                upgrade_ms = took(|timings| timings.upgrade)
            )
        }
        EventKind::Retrying(retrying) => line!(
            WARN,
            stamp,
            type_name,
            delay_ms = millis(retrying.delay),
            cause = retrying.cause.kind(),
            status = retrying.cause.status(),
            text = &*retrying.cause.text(),
            rule = retrying.rule.to_string().as_str()
        ),
        EventKind::Failed(failed) => line!(
            ERROR,
            stamp,
            type_name,
            cause = failed.cause.kind(),
            status = failed.cause.status(),
            text = &*failed.cause.text(),
            rule = failed.rule.to_string().as_str()
        ),
        EventKind::Gap(gap) => line!(
            WARN,
            stamp,
            type_name,
            reason = json_word(&gap.reason).as_str(),
            blind_ms = millis(gap.blind),
            stream = gap.stream.as_deref(),
            peer_seq = gap.peer_seq,
            next = gap.next,
            missing = gap.missing
        ),
        EventKind::Rotated(rotated) => line!(
            INFO,
            stamp,
            type_name,
            peer = %rotated.peer,
            incarnation = rotated.incarnation,
            clean = rotated.old.clean,
            doubled = rotated.doubled
        ),
        EventKind::Dropped(dropped) => line!(
            WARN,
            stamp,
            type_name,
            count = dropped.count,
            reason = json_word(&dropped.reason).as_str()
        ),
        EventKind::Applied(applied) => line!(INFO, stamp, type_name, reconnect = applied.reconnect),
        EventKind::Removed => line!(INFO, stamp, type_name),
        EventKind::SessionOpened(opened) => line!(
            INFO,
            stamp,
            type_name,
            session = opened.session,
            peer = %opened.peer,
            subprotocol = opened.subprotocol.as_deref(),
            client = opened.client.as_deref()
        ),
        EventKind::SessionClosed(closed) => line!(
            INFO,
            stamp,
            type_name,
            session = closed.session,
            cause = closed.end.kind(),
            text = &*closed.end.text(),
            client = closed.client.as_deref(),
            lasted_ms = millis(closed.lasted),
            sent_messages = closed.sent.messages,
            sent_bytes = closed.sent.bytes,
            received_messages = closed.received.messages,
            received_bytes = closed.received.bytes
        ),
        EventKind::Subscription(report) => {
            let (key, text) = (&*report.key, report.text.as_deref());
            let state = report.state.as_str();
            match report.state.has_failed() {
                true => line!(
                    WARN,
                    stamp,
                    type_name,
                    key = key,
                    state = state,
                    text = text
                ),
                // There may be thousands of them on each socket.
                false => line!(DEBUG, stamp, type_name, key = key, state = state),
            }
        }
        // Types that this version does not know are logged with their name.
        _ => line!(INFO, stamp, type_name),
    }
}

/// How much of a message a line shows, in bytes.
const SHOWN: usize = 1024;

/// A message for the log. Only the part that is shown is kept.
pub struct MessageLine {
    name: ConnectionName,
    epoch: u32,
    seq: u64,
    bytes: usize,
    text: Option<String>,
}

impl MessageLine {
    /// Keeps the start of a text; of bytes only their number.
    pub fn new(stamp: &Stamp, message: &Message) -> Self {
        Self {
            name: stamp.name.clone(),
            epoch: stamp.epoch,
            seq: stamp.seq,
            bytes: message.len(),
            text: message
                .as_text()
                .map(|text| text[..text.floor_char_boundary(SHOWN)].to_owned()),
        }
    }

    /// Writes the line.
    pub fn log(&self) {
        line!(
            INFO,
            self,
            "message",
            bytes = self.bytes,
            text = self.text.as_deref()
        );
    }
}

fn by(by: CloseBy) -> &'static str {
    match by {
        CloseBy::Us => "us",
        CloseBy::Peer => "peer",
    }
}

fn json_word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The duration in milliseconds, with a fraction.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
