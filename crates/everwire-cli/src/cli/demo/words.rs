//! Events and states in words for a person.

use everwire::{
    Event, State,
    core::{Cause, CloseBy},
};

use crate::cli::words::one_line;
pub use crate::cli::words::{between, limit, span};

/// What an event says besides its name and its type.
pub fn details(event: &Event) -> String {
    let text = match event {
        Update::Event(Event {
            kind: EventKind::Connecting(connecting),
            ..
        }) if connecting.attempt > 0 => {
            format!("attempt {}", connecting.attempt)
        }
        Update::Event(Event {
            kind: EventKind::Opened(opened),
            ..
        }) => format!("by {}", opened.peer),
        Update::Event(Event {
            kind: EventKind::Closed(report),
            ..
        }) => {
            let by = match report.by {
                CloseBy::Us => "us",
                CloseBy::Peer => "the peer",
            };
            format!("{} by {by} {}", report.code, report.reason)
        }
        Update::Event(Event {
            kind: EventKind::Error(report),
            ..
        }) => report.cause.to_string(),
        Update::Event(Event {
            kind: EventKind::Retrying(retrying),
            ..
        }) => {
            format!(
                "next dial in {}: {} ({})",
                limit(retrying.delay),
                cause(&retrying.cause),
                retrying.rule
            )
        }
        Update::Event(Event {
            kind: EventKind::Failed(failed),
            ..
        }) => format!("gave up: {} ({})", cause(&failed.cause), failed.rule),
        Update::Event(Event {
            kind: EventKind::Dropped(dropped),
            ..
        }) => format!("{} messages", dropped.count),
        Event::Lagged {
            missed: Some(missed),
            ..
        } => format!("{missed} events were not shown"),
        _ => String::new(),
    };
    one_line(&text)
}

/// A cause in one or two words.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::HandshakeStatus { status, .. } => format!("status {status}"),
        Cause::Proxy {
            status: Some(status),
            ..
        } => format!("proxy {status}"),
        Cause::Closed(frame) => match frame.code {
            Some(code) => format!("closed {code}"),
            None => "closed".to_owned(),
        },
        other => other.kind().to_owned(),
    }
}

/// A mark that tells states apart without colours.
pub fn mark(state: State) -> &'static str {
    match state {
        State::Open => "●",
        State::Connecting | State::Opening => "◌",
        State::Backoff => "↻",
        State::Failed => "✕",
        _ => "○",
    }
}
