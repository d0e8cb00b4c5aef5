//! Events and states in words for a person.

use std::time::Duration;

use everwire::{
    Event, State,
    core::{Cause, CloseBy},
};
use jiff::Timestamp;

/// What an event says besides its name and its type.
pub fn details(event: &Event) -> String {
    let text = match event {
        Event::Connecting(_, connecting) if connecting.attempt > 0 => {
            format!("attempt {}", connecting.attempt)
        }
        Event::Opened(_, opened) => format!("by {}", opened.peer),
        Event::Closed(_, report) => {
            let by = match report.by {
                CloseBy::Us => "us",
                CloseBy::Peer => "the peer",
            };
            format!("{} by {by} {}", report.code, report.reason)
        }
        Event::Error(_, cause) => cause.to_string(),
        Event::Retrying(_, retrying) => {
            let delay = retrying.delay.as_secs_f64();
            format!(
                "next dial in {delay:.1}s: {} ({})",
                cause(&retrying.cause),
                retrying.rule
            )
        }
        Event::Failed(_, failed) => format!("gave up: {} ({})", cause(&failed.cause), failed.rule),
        Event::Dropped(_, dropped) => format!("{} messages", dropped.count),
        Event::Lagged { missed, .. } => format!("{missed} events were not shown"),
        _ => String::new(),
    };
    one_line(&text)
}

/// A cause in one or two words.
pub fn cause(cause: &Cause) -> String {
    match cause {
        Cause::HandshakeStatus { status, .. } => format!("status {status}"),
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

/// A time span in at most four characters: `0s`, `59s`, `59m`, `23h`, `999d`.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// From `earlier` to `later`; zero if they are the other way round.
pub fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// What the peer wrote must not move the cursor.
fn one_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(200).map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_short() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (7_200, "2h"),
            (172_800, "2d"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_a_peer_wrote_is_one_printable_line() {
        assert_eq!(one_line("a\x1b[2Jb\nc "), "a [2Jb c");
    }
}
