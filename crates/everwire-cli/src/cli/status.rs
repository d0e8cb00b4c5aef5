//! `everwire status`: the status of one connection.

use std::io;

use actix::System;
use clap::Args;
use everwire::{ConnectionName, events::rfc3339};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Failure,
    client::{self, ApiArgs, Error, Request},
    output, parse, step,
    table::Color,
    words,
};
use crate::terminal;

/// Show the status of a connection of a running service
#[derive(Debug, Args)]
pub struct Status {
    /// The name of the connection
    #[arg(value_parser = parse::name)]
    name: ConnectionName,

    /// Print the status as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

impl Status {
    /// Prints the status.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service does not answer, or has no such name.
    pub fn execute(self) -> Result<(), Failure> {
        let status: Value = System::new().block_on(async {
            let request = Request::get(&["connections", self.name.as_str()]);
            self.api.client()?.read(request).await
        })?;
        if self.json {
            return output::print_json(&status.to_string());
        }
        let status =
            serde_json::from_value(status).map_err(|error| Error::Answer(error.to_string()))?;
        let is_colored = terminal::is_colored(&io::stdout());
        let lines = lines(&status, Timestamp::now()).into_iter();
        let lines: Vec<_> = lines
            .map(|(key, value)| {
                let value = words::one_line(&value);
                let value = match (key, is_colored) {
                    ("state", true) => Color::of_state(&status.state).paint(&value),
                    _ => value,
                };
                format!("{key:<13} {value}")
            })
            .collect();
        output::print(&lines.join("\n"))
    }
}

fn lines(status: &client::Status, now: Timestamp) -> Vec<(&'static str, String)> {
    let ago = |at| {
        format!(
            "{} ago, {}",
            words::span(words::between(at, now)),
            rfc3339(at)
        )
    };
    let since = words::span(words::between(status.since, now));
    let mut lines = vec![
        ("name", status.name.clone()),
        ("state", format!("{} for {since}", status.state)),
        ("url", status.url.clone()),
    ];
    if let Some(cause) = &status.cause {
        let told = format!("{}: {} ({})", cause.kind, cause.text, ago(cause.at));
        lines.push(("cause", told));
        lines.extend(cause.rule.clone().map(|rule| ("rule", rule)));
    }
    if let Some(step) = &status.step {
        lines.push(("step", step::line(step, now)));
    }
    if let Some(rate) = status.rule_rate {
        lines.push(("rule rate", step::waiting(rate)));
    }
    lines.extend(
        status
            .requests
            .map(|requests| ("requests", step::requests(requests))),
    );
    let subscriptions = status.subscriptions.map(step::subscriptions);
    lines.extend(subscriptions.map(|told| ("subscribed", told)));
    lines.extend(status.preparing.clone().map(|call| ("preparing", call)));
    if let Some(at) = status.retry_at {
        let wait = words::until(words::between(now, at));
        lines.push((
            "next dial",
            format!("{wait}, at {}, attempt {}", rfc3339(at), status.attempt),
        ));
    }
    if let Some(rotation) = status.rotation {
        lines.push(("rotation", step::rotation(rotation, None, now)));
    }
    if let Some(subprotocol) = &status.subprotocol {
        lines.push(("subprotocol", subprotocol.clone()));
    }
    if !status.tags.is_empty() {
        lines.push(("tags", status.tags.join(", ")));
    }
    if let Some(rtt) = status.rtt_ms {
        lines.push(("round trip", words::duration(rtt)));
    }
    let traffic = |traffic: &client::Traffic| {
        let messages = words::count(traffic.messages, "message");
        format!("{messages}, {}", words::bytes(traffic.bytes))
    };
    lines.push(("received", traffic(&status.received)));
    lines.push(("sent", traffic(&status.sent)));
    if let Some(at) = status.last_message_at {
        lines.push(("last message", ago(at)));
    }
    lines.push(("outbox", outbox(&status.outbox)));
    lines.extend(sessions(&status.sessions, now).map(|told| ("session", told)));
    if let Some(error) = &status.last_error {
        let kind = match error.status {
            Some(status) => format!("{} {status}", error.kind),
            None => error.kind.clone(),
        };
        lines.push((
            "last error",
            format!("{kind}: {} ({})", error.text, ago(error.at)),
        ));
    }
    if let Some(close) = &status.last_close {
        lines.push(("last close", closed(close)));
    }
    let lives = format!("epoch {}, incarnation {}", status.epoch, status.incarnation);
    lines.push(("lives", lives));
    lines.push(("reconnects", status.reconnects.to_string()));
    lines.push(("subscribers", status.subscribers.to_string()));
    lines
}

/// How many sessions are listed.
const SESSIONS: usize = 16;

/// The sockets that clients have for themselves.
pub(super) fn sessions(
    sessions: &[client::Session],
    now: Timestamp,
) -> impl Iterator<Item = String> {
    let told = sessions.iter().take(SESSIONS).map(move |session| {
        let since = words::span(words::between(session.since, now));
        let whose = session.client.as_deref().unwrap_or("an unknown client");
        let peer = session.peer.as_ref();
        let peer = peer.map_or_else(String::new, |peer| format!(" to {peer}"));
        let (sent, received) = (&session.sent, &session.received);
        format!(
            "#{} {} for {since}: {whose}{peer}, {} sent ({}), {} received ({})",
            session.id,
            session.state,
            words::count(sent.messages, "message"),
            words::bytes(sent.bytes),
            words::count(received.messages, "message"),
            words::bytes(received.bytes),
        )
    });
    let more = sessions.len().saturating_sub(SESSIONS);
    told.chain((more > 0).then(|| format!("and {more} more")))
}

fn outbox(outbox: &client::Outbox) -> String {
    format!(
        "{}, {}; {} in doubt, {} dropped",
        words::count(outbox.messages, "message"),
        words::bytes(outbox.bytes),
        outbox.in_doubt,
        outbox.dropped
    )
}

fn closed(close: &client::LastClose) -> String {
    let code = close
        .code
        .map_or_else(|| "without a code".into(), |code| code.to_string());
    let how = if close.clean {
        "cleanly"
    } else {
        "not cleanly"
    };
    let told = format!("{code} by {}, {how} {}", close.by, close.reason);
    match &close.sent {
        // An echo contains nothing new.
        Some(sent) if close.code != Some(sent.code) => {
            let sent = format!("{} {}", sent.code, sent.reason);
            format!("{} (we sent {})", told.trim_end(), sent.trim_end())
        }
        _ => told,
    }
}
