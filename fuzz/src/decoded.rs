//! A reference for messages that a server compresses on its own: RFC 1950, 1951, 1952.

use crate::inflate::{End, inflate};

/// The end of flushed data.
const FLUSH: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The content of a gzip file of at most `members` members; `None` if it is invalid, or longer than
/// `max` bytes.
pub fn gzip(mut file: &[u8], max: usize, members: usize) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    for _ in 0..members {
        let header = header(file)?;
        let data = &file[header..];
        let (output, End::Final(end)) = inflate(data, max) else {
            return None;
        };
        let trailer = data.get(end..end + 8)?;
        let crc = u32::from_le_bytes(trailer[..4].try_into().ok()?);
        let len = u32::from_le_bytes(trailer[4..].try_into().ok()?);
        if crc != crc32(&output) || len as usize != output.len() {
            return None;
        }
        all.extend(output);
        if all.len() > max {
            return None;
        }
        file = &data[end + 8..];
        if file.is_empty() {
            return Some(all);
        }
    }
    None
}

/// RFC 1952 §2.3
fn header(file: &[u8]) -> Option<usize> {
    let fixed = file.get(..10)?;
    let flags = fixed[3];
    if fixed[..3] != [0x1f, 0x8b, 8] || flags & 0xe0 != 0 {
        return None;
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let len = file.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes(len.try_into().ok()?));
    }
    for text in [8, 16] {
        if flags & text != 0 {
            at += 1 + file.get(at..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    if flags & 2 != 0 {
        let sum = u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?);
        if sum != crc32(&file[..at]) as u16 {
            return None;
        }
        at += 2;
    }
    (at <= file.len()).then_some(at)
}

/// The content of a zlib stream.
pub fn zlib(stream: &[u8], max: usize) -> Option<Vec<u8>> {
    let (head, data) = stream.split_at_checked(2)?;
    if !is_zlib(head) {
        return None;
    }
    let (output, End::Final(end)) = inflate(data, max) else {
        return None;
    };
    let sum = data.get(end..)?;
    (sum == adler32(&output).to_be_bytes()).then_some(output)
}

/// Whether this is the start of a zlib stream without a dictionary.
pub fn is_zlib(head: &[u8]) -> bool {
    let known = u16::from_be_bytes([head[0], head[1]]);
    known % 31 == 0 && head[0] & 0x0f == 8 && head[0] >> 4 <= 7 && head[1] & 0x20 == 0
}

/// The content of DEFLATE data that end with a final block or a flush.
pub fn deflate(data: &[u8], max: usize) -> Option<Vec<u8>> {
    let (output, end) = inflate(data, max);
    let is_whole = match end {
        End::Final(end) => end == data.len(),
        End::Boundary => data.ends_with(&FLUSH),
        End::Block | End::Codes | End::Invalid | End::Full => false,
    };
    is_whole.then_some(output)
}

/// The nonempty parts between separators.
pub fn split(message: &[u8], separator: &[u8]) -> Vec<Vec<u8>> {
    let (mut records, mut record, mut at) = (Vec::new(), Vec::new(), 0);
    while at < message.len() {
        if message[at..].starts_with(separator) {
            records.push(std::mem::take(&mut record));
            at += separator.len();
        } else {
            record.push(message[at]);
            at += 1;
        }
    }
    records.push(record);
    records.retain(|record| !record.is_empty());
    records
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

fn adler32(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    b << 16 | a
}
