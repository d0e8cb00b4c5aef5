//! `everwire why`: why a connection is up or down.

use std::io;

use actix::System;
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use everwire::{ConnectionName, events::rfc3339};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure,
    client::{
        ApiArgs, Cause, Error, LastError, Request, Requests, Rotation, RuleRate, Session, Step,
        Subscriptions,
    },
    event_line, output, parse, status, step,
    table::Color,
    words,
};
use crate::terminal;

/// Explain why a connection of a running service is up or down, and when it is dialled again
///
/// Shows the last attempts, the latest one last: what happened, when, and which rule decided what came next.
#[derive(Debug, Args)]
pub struct Why {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// Print the answer as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Deserialize)]
struct Story {
    state: String,
    since: Timestamp,
    retry_at: Option<Timestamp>,
    cause: Option<Cause>,
    step: Option<Step>,
    rule_rate: Option<RuleRate>,
    #[serde(default)]
    requests: Option<Requests>,
    #[serde(default)]
    subscriptions: Option<Subscriptions>,
    #[serde(default)]
    preparing: Option<String>,
    #[serde(default)]
    nats: Option<Lag>,
    #[serde(default)]
    rotation: Option<Rotation>,
    #[serde(default)]
    last_error: Option<LastError>,
    last_message: Option<LastMessage>,
    #[serde(default)]
    sessions: Vec<Session>,
    #[serde(default)]
    attempts: Vec<Attempt>,
}

/// The lag of the bridge to NATS.
#[derive(Deserialize)]
struct Lag {
    pending: u64,
    text: Option<String>,
}

/// The peer's, before its socket ended.
#[derive(Deserialize)]
struct LastMessage {
    at: Timestamp,
    #[serde(default)]
    binary: bool,
    bytes: u64,
    text: Option<String>,
    base64: Option<String>,
}

#[derive(Deserialize)]
struct Attempt {
    at: Timestamp,
    outcome: String,
    #[serde(default)]
    omitted: u64,
    events: Vec<Value>,
}

impl Why {
    /// Prints the answer.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, or has no such name.
    pub fn execute(self) -> Result<(), Failure> {
        let answer: Value = System::new().block_on(async {
            let request = Request::get(&["connections", self.name.as_str(), "why"]);
            self.api.client()?.read(request).await
        })?;
        if self.json {
            return output::print_json(&answer.to_string());
        }
        let story = Story::deserialize(answer).map_err(|error| Error::Answer(error.to_string()))?;
        let is_colored = terminal::is_colored(&io::stdout());
        let lines = lines(self.name.as_str(), &story, Timestamp::now(), is_colored);
        output::print(&lines.join("\n"))
    }
}

fn lines(name: &str, story: &Story, now: Timestamp, is_colored: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for attempt in story.attempts.iter().rev() {
        let ago = words::span(words::between(attempt.at, now));
        let outcome = words::one_line(&attempt.outcome);
        lines.push(format!("{} ({ago} ago): {outcome}", rfc3339(attempt.at)));
        let events = attempt.events.iter();
        lines.extend(events.map(|event| format!("  {}", self::event(event, is_colored))));
        if attempt.omitted > 0 {
            let omitted = words::count(attempt.omitted, "event");
            lines.push(format!("  and {omitted} before the last ones"));
        }
    }
    let state = words::one_line(&story.state);
    let state = match is_colored {
        true => Color::of_state(&state).paint(&state),
        false => state,
    };
    let since = words::span(words::between(story.since, now));
    let place = if story.state == "backoff" { "in " } else { "" };
    lines.push(format!("{name} has been {place}{state} for {since}"));
    if let Some(cause) = &story.cause {
        lines.push(format!("because: {}", words::one_line(&cause.text)));
        let rule = cause.rule.as_deref().map(words::one_line);
        lines.extend(rule.map(|rule| format!("decided by the rule: {rule}")));
    }
    if let Some(rotation) = story.rotation {
        let error = story.last_error.as_ref();
        let error = error.map(|error| words::one_line(&error.text));
        let told = step::rotation(rotation, error.as_deref(), now);
        lines.push(format!("the rotation to a new socket {told}"));
    }
    if let Some(step) = &story.step {
        lines.push(format!("opening: {}", step::line(step, now)));
    }
    if let Some(rate) = story.rule_rate {
        lines.push(format!("rule_rate: {}", step::waiting(rate)));
    }
    let requests = story.requests.map(step::requests);
    lines.extend(requests.map(|told| format!("requests: {told}")));
    let subscriptions = story.subscriptions.map(step::subscriptions);
    lines.extend(subscriptions.map(|told| format!("subscriptions: {told}")));
    let preparing = story.preparing.as_deref().map(words::one_line);
    lines.extend(preparing.map(|call| format!("preparing: {call}")));
    if let Some(lag) = &story.nats {
        let waiting = words::count(lag.pending, "message");
        let why = lag.text.as_deref().map(words::one_line);
        let why = why.map(|text| format!(": {text}")).unwrap_or_default();
        lines.push(format!("nats: {waiting} not published yet{why}"));
    }
    lines.extend(story.last_message.as_ref().map(|last| last.line(now)));
    let sessions = status::sessions(&story.sessions, now);
    lines.extend(sessions.map(|told| format!("session {}", words::one_line(&told))));
    if let Some(at) = story.retry_at {
        let wait = words::until(words::between(now, at));
        lines.push(format!("next dial {wait}, at {}", rfc3339(at)));
    }
    lines
}

impl LastMessage {
    fn line(&self, now: Timestamp) -> String {
        let ago = words::span(words::between(self.at, now));
        let count = words::count(self.bytes, "byte");
        let said = match (&self.text, &self.base64) {
            (Some(text), _) if self.binary => {
                format!("(binary, {count}) {}", words::printable(text))
            }
            (Some(text), _) => words::printable(text),
            (None, encoded) => {
                let bytes = STANDARD.decode(encoded.as_deref().unwrap_or_default());
                event_line::start_of_binary(self.bytes, &bytes.unwrap_or_default())
            }
        };
        format!("the peer's last message, {ago} ago: {said}")
    }
}

/// An event, with the time since the beginning of its attempt.
fn event(event: &Value, is_colored: bool) -> String {
    let mut event = event.clone();
    let after = event["after_ms"].as_f64();
    if let Some(members) = event.as_object_mut() {
        members.retain(|key, _| !["name", "after_ms", "at"].contains(&key.as_str()));
    }
    let after = after.map_or_else(String::new, words::duration);
    format!("{after:>12}  {}", event_line::of(&event, is_colored))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_story_is_told_in_the_order_in_which_it_happened() {
        let story = json!({
            "name": "feed", "state": "backoff", "ready": false, "since": "2026-01-02T03:04:10Z",
            "retry_at": "2026-01-02T03:04:40Z", "novel": 1, "preparing": "POST https://h/open",
            "last_message": { "at": "2026-01-02T03:04:09Z", "binary": false, "bytes": 4, "text": "no\u{1b}[" },
            "cause": { "kind": "handshake_status", "text": "busy", "rule": "backoff", "at": "2026-01-02T03:04:10Z" },
            "step": { "script": "open_script", "number": 2, "steps": 3, "state": "listens", "send": "{\"op\":\"login\"}",
                "expect": "/event == \"login\"", "met": 0, "count": 1, "since": "2026-01-02T03:04:18.8Z", "until": "2026-01-02T03:04:28.8Z" },
            "rule_rate": { "waiting": 12 },
            "subscriptions": { "wanted": 1, "sent": 2, "active": 37 },
            "attempts": [
                { "at": "2026-01-02T03:04:09Z", "outcome": "lost", "omitted": 2, "events": [
                    { "type": "error", "name": "feed", "at": "x", "after_ms": 12.34, "kind": "handshake_status", "status": 503 },
                    { "type": "retrying", "name": "feed", "at": "x", "after_ms": 133593.1, "delay_ms": 20000 },
                ] },
                { "at": "2026-01-02T03:03:20Z", "outcome": "failed", "omitted": 0, "events": [] },
            ],
        });
        let story = Story::deserialize(story).unwrap();
        let now = "2026-01-02T03:04:20Z".parse().unwrap();
        let expected = [
            "2026-01-02T03:03:20.000000Z (1m ago): failed",
            "2026-01-02T03:04:09.000000Z (11s ago): lost",
            "       12.3 ms  error kind=handshake_status status=503",
            "        2m 13s  retrying delay=20s",
            "  and 2 events before the last ones",
            "feed has been in backoff for 10s",
            "because: busy",
            "decided by the rule: backoff",
            "opening: step 2 of 3, {\"op\":\"login\"} sent 1.2s ago, waits for /event == \"login\", 8.8s left",
            "rule_rate: 12 answers of rules wait: at most 100 go out in a second",
            "subscriptions: 37 active, 1 wanted, 2 sent",
            "preparing: POST https://h/open",
            "the peer's last message, 11s ago: no [",
            "next dial in 20s, at 2026-01-02T03:04:40.000000Z",
        ];
        let lines = lines("feed", &story, now, false);
        assert_eq!(lines, expected);
    }
}
