//! A server that answers the upgrade with another status than 101: status, `Retry-After` and body.

use std::time::{Duration, SystemTime};

use actix_codec::Decoder;
use actix_http::{ResponseHead, h1::MessageType};
use awc::http::{StatusCode, Version, header};
use tokio::time::{Instant, timeout_at};

use super::{answer::Answer, html};
use crate::core::{Cause, is_displayable};

/// How much of the body of a refusal is kept, in bytes.
const MAX_TEXT: usize = 1024;
/// How long the body is waited for. It may come a second after its head, plus the network delay.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The longest `Retry-After` that is obeyed.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The cause of a refused upgrade. Waits for the body up to [`PATIENCE`], and never beyond
/// `deadline`.
pub(super) async fn refusal(head: &ResponseHead, answer: Answer, deadline: Instant) -> Cause {
    let value = |name| head.headers().get(name).and_then(|v| v.to_str().ok());
    let mut text = body_text(head, answer, deadline).await;
    if head.status.is_redirection()
        && let Some(location) = value(header::LOCATION)
    {
        text = one_line(format!("location: {location} {text}").as_bytes());
    }
    Cause::HandshakeStatus {
        status: head.status.as_u16(),
        retry_after: value(header::RETRY_AFTER)
            .and_then(|wait| retry_after(wait, said_at(value(header::DATE)))),
        text,
    }
}

/// The time of an answer by the clock of the server: its `Date`. Our time if the header is missing
/// or invalid. With our time, a `Retry-After` date would be wrong by the difference of the two
/// clocks.
pub(super) fn said_at(date: Option<&str>) -> SystemTime {
    let date = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok());
    date.unwrap_or_else(SystemTime::now)
}

/// `Retry-After` of an answer given at `now` (RFC 9110 §10.2.3): seconds or a date.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // A number with too many digits is still a long time.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

async fn body_text(head: &ResponseHead, answer: Answer, deadline: Instant) -> String {
    if head.headers().contains_key(header::CONTENT_ENCODING) {
        return String::new();
    }
    let mut body = Vec::new();
    let until = deadline.min(Instant::now() + PATIENCE);
    // What was received before the timeout is reported.
    let _ = match answer.codec.message_type() {
        MessageType::None if is_bodiless(head) => return String::new(),
        MessageType::None => timeout_at(until, read_to_end(answer, &mut body)).await,
        MessageType::Payload | MessageType::Stream => {
            timeout_at(until, read_payload(answer, &mut body)).await
        }
    };
    let is_cut = body.len() > MAX_TEXT;
    body.truncate(MAX_TEXT);
    let mut text = one_line(&body);
    if is_cut {
        text.push('…');
    }
    match html::title(&text) {
        Some(title) => format!("a page with the title \"{}\"", one_line(title.as_bytes())),
        None => text,
    }
}

/// Whether no body follows, also none that ends with the connection (RFC 9112 §6.3).
fn is_bodiless(head: &ResponseHead) -> bool {
    head.headers().contains_key(header::CONTENT_LENGTH)
        || matches!(
            head.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        )
        || head.version != Version::HTTP_11
}

/// A body with a length, or in chunks.
async fn read_payload(answer: Answer, body: &mut Vec<u8>) {
    let mut answer = answer.into_body();
    while body.len() <= MAX_TEXT {
        match answer.codec.decode(&mut answer.unread) {
            Ok(Some(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(None) if answer.fill().await.is_ok_and(|read| read > 0) => {}
            _ => return,
        }
    }
}

/// A body that ends with the connection.
async fn read_to_end(mut answer: Answer, body: &mut Vec<u8>) {
    loop {
        body.extend_from_slice(&answer.unread.split());
        if body.len() > MAX_TEXT || answer.fill().await.is_err() || answer.unread.is_empty() {
            return;
        }
    }
}

/// The printable text in one line, with single spaces. Of the control characters, those that move
/// the cursor count as spaces.
fn one_line(bytes: &[u8]) -> String {
    let mut line = String::new();
    for word in String::from_utf8_lossy(bytes).split(|c: char| c.is_whitespace() || c.is_control())
    {
        let word = word.chars().filter(|c| is_displayable(*c));
        if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
        line.extend(word);
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_at_most_an_hour() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86400", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(3600)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(value, now), expected, "{value:?}");
        }
    }

    #[test]
    fn a_date_that_says_nothing_is_replaced_by_our_clock() {
        let theirs = "Sun, 06 Nov 1994 08:49:37 GMT";
        let parsed = httpdate::parse_http_date(theirs).unwrap();
        assert_eq!(said_at(Some(theirs)), parsed);
        for date in [None, Some(""), Some("yesterday")] {
            assert!(said_at(date) > parsed);
        }
    }

    #[test]
    fn a_text_is_one_printable_line() {
        for (bytes, line) in [
            (&b"  too\r\n\tmany   "[..], "too many"),
            (b"\x1b[31mred\x1b[0m\0", "[31mred [0m"),
            (b"bad \xff byte", "bad \u{fffd} byte"),
            ("a\u{202e}b\u{200b}c\u{2028}d".as_bytes(), "abc d"),
            (b"\n\n", ""),
        ] {
            assert_eq!(one_line(bytes), line);
        }
    }
}
