//! A data message, as the wire has it.

use bytes::Bytes;
use bytestring::ByteString;

/// A data message before, between and behind the stages of a [`Decoding`](super::Decoding).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A text message; valid UTF-8 by its type.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
}

impl Payload {
    /// What was decompressed: text, if it is UTF-8. Whatever a compressed message is, it comes in a binary one.
    pub(super) fn decompressed(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(error) => Self::Binary(error.into_bytes().into()),
        }
    }

    /// The bytes, of either.
    pub fn as_bytes(&self) -> &Bytes {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The size, in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there are none. An empty message is still a message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
