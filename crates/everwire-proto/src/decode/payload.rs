//! A data message of the wire.

use bytes::Bytes;
use bytestring::ByteString;

/// A data message before, between and after the stages of a [`Decoding`](super::Decoding).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A text message; valid UTF-8 by its type.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
}

impl Payload {
    /// Decompressed data: text if it is UTF-8, since compressed messages are always binary.
    pub(super) fn decompressed(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text.into()),
            Err(error) => Self::Binary(error.into_bytes().into()),
        }
    }

    /// The bytes of either.
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

    /// Whether it is empty. An empty message is still a message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
