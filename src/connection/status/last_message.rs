//! The last message of a peer whose socket ended young.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{
    core::{Message, is_displayable},
    events::rfc3339,
};

/// How many bytes are kept at most.
const KEPT: usize = 256;

/// The last message of a peer before its socket ended; only its start if it is long.
///
/// Serialized it has the members `at`, `binary`, `bytes`, and one of `text` and `base64`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastMessage {
    /// When it came.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// Whether it was a binary message.
    pub binary: bool,
    /// Its length in bytes.
    pub bytes: usize,
    /// The content: at most the first 256 bytes.
    #[serde(flatten)]
    pub shown: Shown,
}

/// The shown content of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Shown {
    /// Its text, with `***` for each secret; it ends with `…` if the message goes on. In a binary
    /// message, U+FFFD stands for bytes that are not UTF-8.
    Text(String),
    /// The bytes of a binary message that is not text.
    #[serde(serialize_with = "base64")]
    Base64(Vec<u8>),
}

/// The start of a message, as it came.
#[derive(Debug)]
pub(in crate::connection) struct Start {
    at: Timestamp,
    binary: bool,
    bytes: usize,
    kept: Box<[u8]>,
    /// Whether the message goes on.
    is_cut: bool,
    /// Whether secrets were masked in it.
    is_masked: bool,
}

impl Start {
    /// The start of a message that came `at` this time. `masked` is its start with the secrets of a
    /// conversation masked, with `…` if it goes on.
    pub fn of(message: &Message, masked: Option<String>, at: Timestamp) -> Self {
        let payload = message.payload();
        let (kept, is_cut) = match &masked {
            Some(text) => match text.strip_suffix('…') {
                Some(start) => (start.as_bytes(), true),
                None => (text.as_bytes(), false),
            },
            None => (&payload[..payload.len().min(KEPT)], payload.len() > KEPT),
        };
        Self {
            at,
            binary: matches!(message, Message::Binary(_)),
            bytes: payload.len(),
            kept: kept.into(),
            is_cut,
            is_masked: masked.is_some(),
        }
    }

    /// The shown form; `mask` masks the secrets of a text, if it has any.
    pub fn shown(self, mask: impl FnOnce(&str) -> Option<String>) -> LastMessage {
        let is_cut = self.is_cut;
        let (mut text, is_text) = match std::str::from_utf8(&self.kept) {
            Ok(text) => (text.to_owned(), true),
            // The cut is within a character.
            Err(error) if is_cut && error.error_len().is_none() => {
                let whole = &self.kept[..error.valid_up_to()];
                (String::from_utf8_lossy(whole).into_owned(), true)
            }
            Err(_) => (String::from_utf8_lossy(&self.kept).into_owned(), false),
        };
        let is_readable = is_text || self.is_masked || is_readable(&text);
        if is_cut {
            text.push('…');
        }
        let shown = match mask(&text) {
            Some(masked) => Shown::Text(masked),
            None if is_readable => Shown::Text(text),
            None => Shown::Base64(self.kept.into()),
        };
        LastMessage {
            at: self.at,
            binary: self.binary,
            bytes: self.bytes,
            shown,
        }
    }
}

/// Whether most of the bytes decoded to characters: MessagePack and similar formats contain error
/// texts.
fn is_readable(text: &str) -> bool {
    let is_shown = |c: &char| is_displayable(*c) && *c != char::REPLACEMENT_CHARACTER;
    let shown = text.chars().filter(is_shown).count();
    shown * 4 >= text.chars().count() * 3
}

fn time<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: Message) -> LastMessage {
        Start::of(&message, None, Timestamp::UNIX_EPOCH).shown(|text| {
            let masked = text.replace("secret", "***");
            (masked != text).then_some(masked)
        })
    }

    fn text(message: Message) -> String {
        match shown(message).shown {
            Shown::Text(text) => text,
            Shown::Base64(bytes) => panic!("{bytes:?}"),
        }
    }

    #[test]
    fn a_message_is_cut_between_two_characters() {
        assert_eq!(text(Message::text("a".repeat(256))), "a".repeat(256));
        let long = format!("{}ü", "a".repeat(255));
        assert_eq!(shown(Message::text(long.clone())).bytes, 257);
        assert_eq!(text(Message::text(long)), format!("{}…", "a".repeat(255)));
        let long = "🦀".repeat(100);
        let binary = Message::binary(long.into_bytes());
        assert_eq!(text(binary), format!("{}…", "🦀".repeat(64)));
        assert_eq!(text(Message::text("")), "");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_text_when_they_hold_a_secret() {
        let bytes = |text: &[u8]| Message::binary([text, &[0xff; 40]].concat());
        assert_eq!(
            shown(bytes(b"word")).shown,
            Shown::Base64([&b"word"[..], &[0xff; 40]].concat())
        );
        assert!(text(bytes(b"secret")).starts_with("***\u{fffd}"));
    }

    #[test]
    fn what_a_conversation_keeps_secret_is_not_kept() {
        let start = |message: &str, masked: &str| {
            let message = Message::text(message);
            let start = Start::of(&message, Some(masked.into()), Timestamp::UNIX_EPOCH);
            let LastMessage { bytes, shown, .. } = start.shown(|_| None);
            assert_eq!(bytes, message.len());
            shown
        };
        assert_eq!(start("token", "***"), Shown::Text("***".into()));
        assert_eq!(start("token and", "*** …"), Shown::Text("*** …".into()));
    }

    #[test]
    fn it_is_told_in_json() {
        let json = |message| serde_json::to_string(&shown(message)).unwrap();
        assert_eq!(
            json(Message::text("no")),
            r#"{"at":"1970-01-01T00:00:00.000000Z","binary":false,"bytes":2,"text":"no"}"#
        );
        assert_eq!(
            json(Message::binary(vec![0xff])),
            r#"{"at":"1970-01-01T00:00:00.000000Z","binary":true,"bytes":1,"base64":"/w=="}"#
        );
    }
}
