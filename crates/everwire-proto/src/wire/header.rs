//! The header of a frame (RFC 6455 §5.2).

use std::fmt;

use super::Violation;

/// The longest payload of a control frame, in bytes (RFC 6455 §5.5).
pub const MAX_CONTROL: usize = 125;

/// The longest header that a server may send: it has no mask key.
pub(super) const MAX_UNMASKED: usize = 10;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
/// Marks a compressed message (RFC 7692 §6).
pub(super) const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// What a frame is (RFC 6455 §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation,
    /// A text message, or its first fragment.
    Text,
    /// A binary message, or its first fragment.
    Binary,
    /// The start of the closing handshake, or the answer to it.
    Close,
    /// Asks for a Pong with the same payload.
    Ping,
    /// Answers a Ping, or comes unasked.
    Pong,
}

impl Opcode {
    /// Whether this is Close, Ping or Pong: never fragmented, at most [`MAX_CONTROL`] bytes (§5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    /// The four bits on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// The opcode for four bits of the wire; `None` for those that are reserved.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        })
    }
}

/// The header of a frame from a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// Whether RSV1 marks the message that this frame begins as compressed (RFC 7692 §6).
    pub compressed: bool,
    /// The length of the payload that follows, in bytes.
    pub len: u64,
}

impl Header {
    /// Parses the header at the front of `bytes`; with it comes its size, in bytes. `None` asks for more bytes.
    ///
    /// Each byte is judged as soon as it is there.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of a header that no server may send, whatever came before it.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        Self::parse_extended(bytes, false)
    }

    /// The same where `deflate` says that permessage-deflate was agreed on.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn parse_extended(bytes: &[u8], deflate: bool) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let (fin, opcode, compressed) = parse_first(first, deflate)?;
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        if second & MASK != 0 {
            return Err(Violation::Masked);
        }
        let short = second & LENGTH;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(Violation::ControlTooLong(opcode));
        }
        let header = |len| Self {
            fin,
            opcode,
            compressed,
            len,
        };
        Ok(parse_length(short, rest)?.map(|(len, size)| (header(len), 2 + size)))
    }
}

fn parse_first(byte: u8, deflate: bool) -> Result<(bool, Opcode, bool), Violation> {
    let compressed = deflate && byte & RSV1 != 0;
    if byte & RESERVED != 0 && (!deflate || byte & RESERVED != RSV1) {
        return Err(Violation::ReservedBits((byte & RESERVED) >> 4));
    }
    let bits = byte & OPCODE;
    let opcode = Opcode::from_bits(bits).ok_or(Violation::ReservedOpcode(bits))?;
    let fin = byte & FIN != 0;
    if opcode.is_control() && !fin {
        return Err(Violation::ControlFragmented(opcode));
    }
    if compressed && !matches!(opcode, Opcode::Text | Opcode::Binary) {
        return Err(Violation::CompressionBit(opcode));
    }
    Ok((fin, opcode, compressed))
}

/// The payload's length, and how many bytes of `rest` tell it.
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let (len, size, least) = match short {
        126 => match rest.first_chunk() {
            Some(&bytes) => (u64::from(u16::from_be_bytes(bytes)), 2, 126),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(&bytes) => (u64::from_be_bytes(bytes), 8, 1 << 16),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, 0),
    };
    if len < least {
        return Err(Violation::LengthNotMinimal(len));
    }
    if len >> 63 != 0 {
        return Err(Violation::LengthTopBit(len));
    }
    Ok(Some((len, size)))
}
