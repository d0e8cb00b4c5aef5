//! The headers of published messages.

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use everwire::ConnectionName;

use crate::lanes::{Entry, Place, UNKNOWN_GAP};

/// The epoch of the name.
pub const EPOCH: &str = "Everwire-Epoch";
/// The number of the event within the epoch.
pub const SEQ: &str = "Everwire-Seq";
/// The epoch and number of the message before it, as `EPOCH/SEQ`, so that readers detect gaps.
pub const PREVIOUS: &str = "Everwire-Previous";
/// The position over all names.
pub const CURSOR: &str = "Everwire-Cursor";
/// The time when the message arrived.
pub const TIME: &str = "Everwire-Time";
/// The subscription that the message belongs to.
pub const SUBSCRIPTION: &str = "Everwire-Subscription";
/// The message is binary.
pub const BINARY: &str = "Everwire-Binary";
/// How many messages were dropped between the previous one and this one, or `unknown`.
pub const GAP: &str = "Everwire-Gap";

/// In a message of the queue: a subject for its answer, in addition to the reply subject.
pub const REPLY: &str = "Everwire-Reply";

const MSG_ID: HeaderName = HeaderName::from_static("Nats-Msg-Id");
const EXPECTED: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");

/// The headers of a message of a name. `expect`: the stream's number of the message that must
/// precede it on its subject.
pub fn headers(name: &ConnectionName, entry: &Entry, gap: u64, expect: Option<u64>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Place { epoch, seq } = entry.place;
    headers.insert(MSG_ID, format!("{name}/{epoch}/{seq}"));
    headers.insert(HeaderName::from_static(EPOCH), HeaderValue::from(epoch));
    headers.insert(HeaderName::from_static(SEQ), HeaderValue::from(seq));
    headers.insert(HeaderName::from_static(CURSOR), entry.cursor.to_string());
    headers.insert(HeaderName::from_static(TIME), entry.at.to_string());
    if let Some(previous) = entry.previous {
        headers.insert(HeaderName::from_static(PREVIOUS), previous.to_string());
    }
    if let Some(key) = &entry.subscription {
        headers.insert(
            HeaderName::from_static(SUBSCRIPTION),
            one_line(key).as_str(),
        );
    }
    if entry.message.as_text().is_none() {
        headers.insert(HeaderName::from_static(BINARY), "true");
    }
    match gap {
        0 => {}
        UNKNOWN_GAP => headers.insert(HeaderName::from_static(GAP), "unknown"),
        gap => headers.insert(HeaderName::from_static(GAP), HeaderValue::from(gap)),
    }
    if let Some(expect) = expect {
        headers.insert(EXPECTED, HeaderValue::from(expect));
    }
    headers
}

/// The place of a message in a stream; `None` if everwire did not publish it.
pub fn place(headers: &HeaderMap) -> Option<Place> {
    let number = |name: &'static str| {
        headers
            .get(HeaderName::from_static(name))?
            .as_str()
            .parse()
            .ok()
    };
    Some(Place {
        epoch: u32::try_from(number(EPOCH)?).ok()?,
        seq: number(SEQ)?,
    })
}

/// Keys contain text of peers and users: a line break would begin another header.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use everwire::Message;
    use jiff::Timestamp;

    use super::*;

    fn entry() -> Entry {
        Entry {
            place: Place { epoch: 3, seq: 17 },
            previous: Some(Place { epoch: 2, seq: 9 }),
            at: Timestamp::UNIX_EPOCH,
            cursor: everwire::core::Cursor(12),
            subscription: Some("a\r\nX: y".into()),
            message: Message::binary(vec![1]),
            gap: 0,
            is_spooled: false,
            was_published: false,
            was_refused: false,
        }
    }

    #[test]
    fn a_message_tells_where_it_stands() {
        let name = ConnectionName::new("a:b").unwrap();
        let headers = headers(&name, &entry(), 2, Some(5));
        let text =
            |name: &'static str| headers.get(HeaderName::from_static(name)).unwrap().as_str();
        for (name, value) in [
            ("Nats-Msg-Id", "a:b/3/17"),
            (EPOCH, "3"),
            (SEQ, "17"),
            (PREVIOUS, "2/9"),
            (CURSOR, "c"),
            (TIME, "1970-01-01T00:00:00Z"),
            (SUBSCRIPTION, "a  X: y"),
            (BINARY, "true"),
            (GAP, "2"),
            ("Nats-Expected-Last-Subject-Sequence", "5"),
        ] {
            assert_eq!(text(name), value, "{name}");
        }
        assert_eq!(headers.len(), 10);
        assert_eq!(place(&headers), Some(entry().place));
    }

    #[test]
    fn a_message_of_somebody_else_has_no_place() {
        let mut headers = HeaderMap::new();
        assert_eq!(place(&headers), None);
        headers.insert(EPOCH, "5000000000");
        headers.insert(SEQ, "1");
        assert_eq!(place(&headers), None);
    }
}
