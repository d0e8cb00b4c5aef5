//! The header of a frame (RFC 6455 §5.2).

use super::{MAX_CONTROL, Opcode, Violation};

/// The longest header that a server may send: it has no mask key.
pub(super) const MAX_UNMASKED: usize = 10;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
/// Marks a compressed message (RFC 7692 §6).
pub(super) const RSV1: u8 = 0x40;
const OPCODE: u8 = 0x0f;
const MASK: u8 = 0x80;
const LENGTH: u8 = 0x7f;

/// The header of a frame from a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// The opcode.
    pub opcode: Opcode,
    /// Whether RSV1 marks the message that this frame begins as compressed (RFC 7692 §6).
    pub compressed: bool,
    /// The length of the payload that follows, in bytes.
    pub len: u64,
}

impl Header {
    /// Parses the header at the front of `bytes`; returns it with its size in bytes. `None`: more
    /// bytes are needed.
    ///
    /// Each byte is checked as soon as it is there.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of a header that a server may never send.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        Self::parse_extended(bytes, false)
    }

    /// Like [`parse`](Self::parse); `deflate`: whether permessage-deflate was agreed on.
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

/// The payload's length, and how many bytes of `rest` encode it.
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
