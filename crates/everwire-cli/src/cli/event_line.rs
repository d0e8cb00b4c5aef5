//! An event as a line for a person.

use base64::{Engine, engine::general_purpose::STANDARD};
use everwire::core::displayable_json;
use serde_json::{Map, Value};

use crate::cli::{table::Color, words};

/// Members of all events. The line has them at its start, or not at all.
const COMMON: [&str; 6] = ["type", "name", "at", "epoch", "seq", "cursor"];
/// How much of a binary message is shown, in bytes.
const SHOWN: usize = 32;

/// The time, name and type of the event, and its other members.
pub fn of(event: &Value, is_colored: bool) -> String {
    let text = |key: &str| words::printable(event[key].as_str().unwrap_or_default());
    let paint = |color: Color, text: String| match is_colored && !text.is_empty() {
        true => color.paint(&text),
        false => text,
    };
    let kind = text("type");
    let details = match event.as_object() {
        Some(members) if kind == "message" => message(members),
        Some(members) => details(members),
        None => String::new(),
    };
    let parts = [
        paint(Color::Dim, time(&text("at")).to_owned()),
        paint(Color::Cyan, text("name")),
        paint(color(&kind), kind.clone()),
        details,
    ];
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// The time of day, in milliseconds.
fn time(at: &str) -> &str {
    at.get(11..23).unwrap_or(at)
}

fn color(kind: &str) -> Color {
    match kind {
        "opened" | "ready" | "rotated" => Color::Green,
        "error" | "failed" => Color::Red,
        "message" | "sent" | "connecting" => Color::Dim,
        _ => Color::Yellow,
    }
}

/// The message, after the key of its subscription, if any.
fn message(members: &Map<String, Value>) -> String {
    let said = said(members);
    match members.get("subscription").and_then(Value::as_str) {
        Some(key) => format!("[{}] {said}", words::printable(key)),
        None => said,
    }
}

fn said(members: &Map<String, Value>) -> String {
    if let Some(text) = members.get("text").and_then(Value::as_str) {
        return words::printable(text);
    }
    let encoded = members.get("base64").and_then(Value::as_str);
    match STANDARD.decode(encoded.unwrap_or_default()) {
        Ok(bytes) => binary(&bytes),
        Err(_) => details(members),
    }
}

/// The number of bytes, and the first of them.
pub fn binary(bytes: &[u8]) -> String {
    start_of_binary(bytes.len() as u64, bytes)
}

/// The same if only the start is known.
pub fn start_of_binary(count: u64, bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes
        .iter()
        .take(SHOWN)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let more = if count > shown.len() as u64 {
        " …"
    } else {
        ""
    };
    let count = words::count(count, "byte");
    format!("<{count}: {}{more}>", shown.join(" "))
}

fn details(members: &Map<String, Value>) -> String {
    let told = members.iter().filter(|(key, value)| {
        !COMMON.contains(&key.as_str())
            && (!value.is_null() || *key == "missed")
            && (*key != "timings" || !words::steps(value).is_empty())
    });
    let told = told.map(|(key, value)| (words::printable(key), value));
    let told = told.map(|(key, value)| match value {
        // For `lagged`, null means an unknown number, not zero.
        Value::Null => format!("{key}=unknown"),
        // Members such as `delay_ms`.
        Value::Number(ms) if key.ends_with("_ms") => {
            let (key, ms) = (key.trim_end_matches("_ms"), ms.as_f64());
            format!("{key}={}", words::compact(ms.unwrap_or_default()))
        }
        Value::Object(_) if key == "timings" => format!("took=({})", words::steps(value)),
        Value::String(text) if !text.contains([' ', '"']) && !text.is_empty() => {
            format!("{key}={}", words::printable(text))
        }
        other => format!("{key}={}", displayable_json(&other.to_string())),
    });
    told.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_has_the_time_the_name_the_type_and_what_there_is_to_say() {
        for (event, line) in [
            (
                json!({ "type": "message", "name": "feed", "at": "2026-01-02T03:04:05.678901Z", "seq": 1, "text": "a\nb\x1b[2J" }),
                "03:04:05.678 feed message a b [2J",
            ),
            (
                json!({ "type": "message", "name": "f", "at": "2026-01-02T03:04:05.678901Z", "base64": "AP8=" }),
                "03:04:05.678 f message <2 bytes: 00 ff>",
            ),
            (
                json!({ "type": "message", "name": "f", "subscription": "a b", "text": "hi" }),
                "f message [a b] hi",
            ),
            (
                json!({ "type": "subscription", "name": "f", "key": "a", "state": "refused", "text": "no such" }),
                "f subscription key=a state=refused text=\"no such\"",
            ),
            (
                json!({ "type": "closed", "name": "f", "code": 1006, "reason": "", "clean": false, "by": "peer" }),
                "f closed by=peer clean=false code=1006 reason=\"\"",
            ),
            (
                json!({ "type": "retrying", "name": "f", "delay_ms": 133_593.1, "cause": "eof" }),
                "f retrying cause=eof delay=2m13s",
            ),
            (json!({ "type": "lagged", "missed": 3 }), "lagged missed=3"),
            (
                json!({ "type": "lagged", "missed": null }),
                "lagged missed=unknown",
            ),
            (
                json!({ "type": "error", "name": "f", "kind": "tcp", "timings": { "dns_ms": 1.25, "tcp_ms": 3, "tls_ms": null } }),
                "f error kind=tcp took=(dns 1.2 ms, tcp 3.0 ms)",
            ),
            // A dial that ended before its first step.
            (
                json!({ "type": "error", "name": "f", "kind": "tls", "timings": { "dns_ms": null } }),
                "f error kind=tls",
            ),
            (
                json!({ "type": "novel", "x": { "y": "two words\n" } }),
                "novel x={\"y\":\"two words\\n\"}",
            ),
            (json!(7), ""),
        ] {
            assert_eq!(of(&event, false), line);
        }
    }

    #[test]
    fn of_a_long_binary_message_its_start_is_shown() {
        let told = binary(&[7; 100]);
        assert!(
            told.starts_with("<100 bytes: 07 07") && told.ends_with("07 …>"),
            "{told}"
        );
    }
}
