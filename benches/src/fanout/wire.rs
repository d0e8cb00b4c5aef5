//! Parses the bytes of a socket for both kinds of clients, as cheaply as possible.

use memchr::{memchr, memmem::find};

/// A parsed part of the bytes.
pub enum Unit<'a> {
    /// The JSON of an event, or of an answer.
    Json(&'a [u8]),
    /// A ping, to be answered with its payload.
    Ping(&'a [u8]),
    /// The end.
    Close,
}

/// Received bytes that are not parsed yet.
#[derive(Default)]
pub struct Pending {
    /// The bytes as received.
    bytes: Vec<u8>,
    /// The bytes without their chunks (RFC 9112 §7.1).
    text: Vec<u8>,
}

impl Pending {
    /// Parses complete chunks of server-sent events.
    pub fn sse(&mut self, came: &[u8], mut each: impl FnMut(Unit<'_>)) {
        self.bytes.extend_from_slice(came);
        let mut at = 0;
        while let Some(line) = find(&self.bytes[at..], b"\r\n") {
            let size = std::str::from_utf8(&self.bytes[at..at + line]).unwrap_or_default();
            let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
            let (start, end) = (at + line + 2, at + line + 2 + size);
            if self.bytes.len() < end + 2 {
                break;
            }
            if size == 0 {
                each(Unit::Close);
            }
            self.text.extend_from_slice(&self.bytes[start..end]);
            at = end + 2;
        }
        self.bytes.drain(..at);
        let mut at = 0;
        while let Some(line) = memchr(b'\n', &self.text[at..]) {
            if let Some(json) = self.text[at..at + line].strip_prefix(b"data: ") {
                each(Unit::Json(json));
            }
            at += line + 1;
        }
        self.text.drain(..at);
    }

    /// Parses complete frames from a WebSocket server.
    pub fn websocket(&mut self, came: &[u8], mut each: impl FnMut(Unit<'_>)) {
        self.bytes.extend_from_slice(came);
        let mut at = 0;
        while let Some((header, len)) = header(&self.bytes[at..]) {
            let end = at + header + len;
            if self.bytes.len() < end {
                break;
            }
            let payload = &self.bytes[at + header..end];
            match self.bytes[at] {
                0x81 => each(Unit::Json(payload)),
                0x89 => each(Unit::Ping(payload)),
                0x88 => each(Unit::Close),
                other => panic!("a frame that begins with {other:#x}"),
            }
            at = end;
        }
        self.bytes.drain(..at);
    }
}

/// The length of an unmasked header, and that of the payload.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? {
        126 => {
            let len = bytes.get(2..4)?.try_into().ok()?;
            Some((4, u16::from_be_bytes(len).into()))
        }
        127 => {
            let len = bytes.get(2..10)?.try_into().ok()?;
            Some((10, u64::from_be_bytes(len) as usize))
        }
        short => Some((2, short.into())),
    }
}

/// A short client frame, with a mask that changes nothing.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(len @ 0..126) => frame.push(0x80 | len),
        _ => {
            frame.push(0x80 | 126);
            let len = u16::try_from(payload.len()).expect("a short payload");
            frame.extend(len.to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}
