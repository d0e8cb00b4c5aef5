//! Readable texts for events and states.

use everwire::{
    EventKind, Notice, State, Update,
    core::{Cause, CloseBy},
    events::Lagged,
};

use crate::cli::words::one_line;
pub use crate::cli::words::{between, limit, span};

/// The details of an update besides its name and type.
pub fn details(update: &Update) -> String {
    let text = match update {
        Update::Event(event) => event_details(&event.kind),
        Update::Notice(Notice::Lagged(Lagged {
            missed: Some(missed),
            ..
        })) => format!("{missed} events were not shown"),
        Update::Notice(_) => String::new(),
    };
    one_line(&text)
}

fn event_details(kind: &EventKind) -> String {
    match kind {
        EventKind::Connecting(connecting) if connecting.attempt > 0 => {
            format!("attempt {}", connecting.attempt)
        }
        EventKind::Opened(opened) => format!("by {}", opened.peer),
        EventKind::Closed(report) => {
            let by = match report.by {
                CloseBy::Us => "us",
                CloseBy::Peer => "the peer",
            };
            format!("{} by {by} {}", report.code, report.reason)
        }
        EventKind::Error(report) => report.cause.to_string(),
        EventKind::Retrying(retrying) => {
            format!(
                "next dial in {}: {} ({})",
                limit(retrying.delay),
                cause(&retrying.cause),
                retrying.rule
            )
        }
        EventKind::Failed(failed) => format!("gave up: {} ({})", cause(&failed.cause), failed.rule),
        EventKind::Dropped(dropped) => format!("{} messages", dropped.count),
        _ => String::new(),
    }
}

/// A cause in one or two words.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::HandshakeStatus { status, .. } => format!("status {status}"),
        Cause::Proxy {
            status: Some(status),
            ..
        } => format!("proxy {status}"),
        Cause::Prepare {
            status: Some(status),
            ..
        } => format!("prepare {status}"),
        Cause::Closed(frame) => match frame.code {
            Some(code) => format!("closed {code}"),
            None => "closed".to_owned(),
        },
        other => other.kind().to_owned(),
    }
}

/// A mark for the state, for terminals without colours.
pub fn mark(state: State) -> &'static str {
    match state {
        State::Open => "●",
        State::Connecting | State::Opening => "◌",
        State::Backoff => "↻",
        State::Failed => "✕",
        _ => "○",
    }
}
