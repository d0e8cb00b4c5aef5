//! The frame around the data of a gzip member (RFC 1952).

use flate2::Crc;

/// The start of each member: ID1, ID2, and the only compression method, CM.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// The fixed fields of a header, in bytes.
const FIXED: usize = 10;

/// After the data: CRC32 and ISIZE.
pub(super) const TRAILER: usize = 8;

const HAS_CRC: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;
/// Must be zero (§2.3.1.2).
const RESERVED: u8 = 0xe0;

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    Foreign,
    Invalid,
    Truncated,
}

/// The length of the header at the start of `input` (§2.3).
pub(super) fn header(input: &[u8]) -> Result<usize, NoHeader> {
    let known = input.len().min(MAGIC.len());
    if input.is_empty() || input[..known] != MAGIC[..known] {
        return Err(NoHeader::Foreign);
    }
    let mut rest = input.get(FIXED..).ok_or(NoHeader::Truncated)?;
    let flags = input[3];
    if flags & RESERVED != 0 {
        return Err(NoHeader::Invalid);
    }
    if flags & HAS_EXTRA != 0 {
        let (len, behind) = rest.split_first_chunk().ok_or(NoHeader::Truncated)?;
        let len = usize::from(u16::from_le_bytes(*len));
        rest = behind.get(len..).ok_or(NoHeader::Truncated)?;
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let end = memchr::memchr(0, rest).ok_or(NoHeader::Truncated)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HAS_CRC != 0 {
        let (sum, behind) = rest.split_first_chunk().ok_or(NoHeader::Truncated)?;
        let before = &input[..input.len() - rest.len()];
        // The two least significant bytes.
        if u16::from_le_bytes(*sum) != (crc(before) & 0xffff) as u16 {
            return Err(NoHeader::Invalid);
        }
        rest = behind;
    }
    Ok(input.len() - rest.len())
}

/// Whether this trailer matches the data.
pub(super) fn belongs(trailer: [u8; TRAILER], data: &[u8]) -> bool {
    let [a, b, c, d, e, f, g, h] = trailer;
    // The length is counted modulo 2^32.
    u32::from_le_bytes([a, b, c, d]) == crc(data)
        && u32::from_le_bytes([e, f, g, h]) == data.len() as u32
}

fn crc(data: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(data);
    crc.sum()
}
