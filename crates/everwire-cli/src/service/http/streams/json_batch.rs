//! Events for one subscription of the downstream WebSocket.

use std::sync::Arc;

use bytestring::ByteString;
use everwire::{Batch, core::displayable_json};
use serde_json::Value as Json;

/// The size of most events besides their payload and the subscription, in bytes.
const FRAME: usize = 192;

/// Some updates of a subscription.
pub struct JsonBatch {
    /// The start of each text, in place of its brace.
    prefix: Arc<str>,
    updates: Batch,
}

impl JsonBatch {
    /// The start of the texts for the subscription with this id.
    pub fn prefix(id: &str) -> Arc<str> {
        let prefix = format!("{{\"subscription\":{},", Json::from(id));
        displayable_json(&prefix).into()
    }

    /// Updates whose texts begin with `prefix`.
    pub fn new(prefix: &Arc<str>, updates: Batch) -> Self {
        let prefix = Arc::clone(prefix);
        Self { prefix, updates }
    }

    /// The text of each update. All are parts of one buffer.
    pub fn texts(&self) -> impl Iterator<Item = ByteString> {
        let Self { prefix, updates } = self;
        let room = updates.len() * (prefix.len() + FRAME) + updates.bytes();
        let (mut all, mut ends) = (
            String::with_capacity(room),
            Vec::with_capacity(updates.len()),
        );
        for update in updates.json() {
            all.push_str(prefix);
            let (head, rest) = around_key(&update.text);
            all.push_str(head.get(1..).unwrap_or_default());
            if !rest.is_empty() {
                all.push_str(KEY);
                all.push_str(rest);
            }
            ends.push(all.len());
        }
        let (all, mut begin) = (ByteString::from(all), 0);
        ends.into_iter().map(move |end| {
            let text = all.slice_ref(&all[begin..end]);
            begin = end;
            text
        })
    }
}

/// The member for the key of a message on this socket. Elsewhere it is `subscription`, which here
/// is the id of the request.
const KEY: &str = ",\"key\":";
const KEY_ELSEWHERE: &str = ",\"subscription\":";
/// The member is within this number of bytes, after the name and the other parts of the stamp.
const HEAD_OF_KEY: usize = 512;

/// Splits a message around the member of its key. The second part is empty if there is no key, as
/// for other events. A text cannot contain such a member, because its quotes are escaped.
fn around_key(text: &str) -> (&str, &str) {
    let head = &text[..text.floor_char_boundary(HEAD_OF_KEY)];
    let is_message = head.starts_with("{\"type\":\"message\",");
    let at = is_message.then(|| head.find(KEY_ELSEWHERE)).flatten();
    at.map_or((text, ""), |at| {
        (&text[..at], &text[at + KEY_ELSEWHERE.len()..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_message_is_found_and_nothing_that_looks_like_it() {
        let head = r#"{"type":"message","name":"feed","at":"x""#;
        let routed = format!(r#"{head},"subscription":"k","text":"hi"}}"#);
        assert_eq!(around_key(&routed), (head, r#""k","text":"hi"}"#));
        let text = serde_json::to_string(r#"{"a":1,"subscription":"k"}"#).unwrap();
        let other = format!(r#"{head},"text":{text}}}"#);
        assert_eq!(around_key(&other), (&*other, ""));
        let ready = r#"{"type":"ready","name":"feed","vars":{"a":1,"subscription":2}}"#;
        assert_eq!(around_key(ready), (ready, ""));
    }
}
