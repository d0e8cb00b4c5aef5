//! What a server can send.

use bytes::Bytes;
use bytestring::ByteString;

use super::CloseFrame;

/// A whole message, or a control frame, from a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(ByteString),
    /// A binary message.
    Binary(Bytes),
    /// A Ping, to be answered by a Pong with the same payload (RFC 6455 §5.5.2).
    Ping(Bytes),
    /// A Pong (§5.5.3).
    Pong(Bytes),
    /// A Close frame (§5.5.1). Nothing follows it.
    Close(CloseFrame),
}
