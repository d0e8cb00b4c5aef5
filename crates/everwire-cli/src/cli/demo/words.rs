//! Readable texts for events and states.

use everwire::{
    EventKind, Notice, State, Update,
    core::{Cause, CloseBy},
    events::{Gap, GapReason, Lagged},
};

use crate::cli::words::{self, one_line};
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
        EventKind::Gap(report) => gap(report),
        EventKind::Dropped(dropped) => words::count(dropped.count, "message"),
        _ => String::new(),
    }
}

/// What may be missing.
fn gap(gap: &Gap) -> String {
    let blind = words::duration(gap.blind.as_secs_f64() * 1000.0);
    let numbers = |what: &str| match (gap.peer_seq, gap.next) {
        (Some(before), Some(next)) => format!("{what}: {before}, then {next}"),
        _ => what.to_owned(),
    };
    match gap.reason {
        GapReason::Reconnect => format!("no socket for {blind}: messages may be missing"),
        GapReason::Hole => match gap.missing {
            Some(missing) => numbers(&format!("{missing} of the peer's numbers are missing")),
            None => numbers("some of the peer's numbers are missing"),
        },
        GapReason::Double => numbers("the peer's number came again"),
        GapReason::Restart => numbers("the peer counts from its start again"),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_gap_says_what_may_be_missing() {
        let told = |reason, numbers: Option<(u64, u64)>, missing| {
            gap(&Gap {
                reason,
                blind: Duration::from_millis(1_500),
                stream: None,
                peer_seq: numbers.map(|(before, _)| before),
                next: numbers.map(|(_, next)| next),
                missing,
            })
        };
        for (text, expected) in [
            (
                told(GapReason::Reconnect, None, None),
                "no socket for 1.5s: messages may be missing",
            ),
            (
                told(GapReason::Hole, Some((7, 11)), Some(3)),
                "3 of the peer's numbers are missing: 7, then 11",
            ),
            (
                told(GapReason::Double, Some((7, 7)), None),
                "the peer's number came again: 7, then 7",
            ),
            (
                told(GapReason::Restart, None, None),
                "the peer counts from its start again",
            ),
        ] {
            assert_eq!(text, expected);
        }
    }
}
