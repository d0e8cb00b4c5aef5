//! The server's side of RFC 6455 §5, small on purpose. It checks frames of the client; it can send
//! any bytes itself.

/// Continuation of a fragmented message.
pub(crate) const CONTINUATION: u8 = 0x0;
/// A text message.
pub(crate) const TEXT: u8 = 0x1;
/// A binary message.
pub(crate) const BINARY: u8 = 0x2;
/// A Close frame.
pub(crate) const CLOSE: u8 = 0x8;
/// A Ping frame.
pub(crate) const PING: u8 = 0x9;
/// A Pong frame.
pub(crate) const PONG: u8 = 0xA;

/// The largest frame and the largest message that the peer accepts.
pub(crate) const MAX_MESSAGE: usize = 64 << 20;

/// A frame of the client, with its payload unmasked.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) fin: bool,
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
    /// The size of the frame on the wire, in bytes.
    pub(crate) size: usize,
}

/// Takes the first frame of `buffer`, and unmasks it in place. `None` while it is incomplete. The
/// error says which rule the client broke.
pub(crate) fn decode(buffer: &mut [u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let [first, second, ..] = *buffer else {
        return Ok(None);
    };
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
    if first & 0x70 != 0 {
        return Err("a reserved bit is set");
    }
    if second & 0x80 == 0 {
        return Err("the frame is not masked");
    }
    if !matches!(opcode, CONTINUATION..=BINARY | CLOSE..=PONG) {
        return Err("the opcode is reserved");
    }
    if opcode >= CLOSE && (!fin || second & 0x7F > 125) {
        return Err("a control frame is fragmented or too long");
    }
    let Some((length, start)) = length(buffer, second & 0x7F)? else {
        return Ok(None);
    };
    let size = start + 4 + length;
    if buffer.len() < size {
        return Ok(None);
    }
    let (head, rest) = buffer.split_at_mut(start + 4);
    let key = [
        head[start],
        head[start + 1],
        head[start + 2],
        head[start + 3],
    ];
    let payload = &mut rest[..length];
    unmask(payload, key);
    Ok(Some(Frame {
        fin,
        opcode,
        payload,
        size,
    }))
}

/// The length of the payload, and the position of the masking key.
fn length(buffer: &[u8], short: u8) -> Result<Option<(usize, usize)>, &'static str> {
    let (length, start) = match short {
        126 => match buffer.get(2..4) {
            None => return Ok(None),
            Some(raw) => (u64::from(u16::from_be_bytes([raw[0], raw[1]])), 4),
        },
        127 => match buffer.get(2..10).and_then(|raw| raw.try_into().ok()) {
            None => return Ok(None),
            Some(raw) => (u64::from_be_bytes(raw), 10),
        },
        short => (u64::from(short), 2),
    };
    if (start == 4 && length < 126) || (start == 10 && length <= 0xFFFF) {
        return Err("the length is not in its shortest form");
    }
    match usize::try_from(length) {
        Ok(length) if length <= MAX_MESSAGE => Ok(Some((length, start))),
        _ => Err("the frame is too large for the peer"),
    }
}

fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let twice = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    // Eight at once: tests are built without optimisation, and unmask megabytes.
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ twice).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends the header of an unmasked frame. `length` may differ from what follows.
pub(crate) fn encode_header(out: &mut Vec<u8>, fin: bool, opcode: u8, length: u64) {
    out.push(if fin { 0x80 } else { 0 } | opcode);
    match length {
        0..=125 => out.push(length as u8),
        126..=0xFFFF => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

/// Appends a whole frame.
pub(crate) fn encode(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    encode_header(out, true, opcode, payload.len() as u64);
    out.extend_from_slice(payload);
}

/// Appends a message in fragments with at most `piece` bytes of payload each.
pub(crate) fn encode_fragments(out: &mut Vec<u8>, opcode: u8, payload: &[u8], piece: usize) {
    if payload.is_empty() {
        return encode(out, opcode, payload);
    }
    let pieces = payload.chunks(piece.max(1));
    let last = pieces.len() - 1;
    for (index, piece) in pieces.enumerate() {
        let opcode = if index == 0 { opcode } else { CONTINUATION };
        encode_header(out, index == last, opcode, piece.len() as u64);
        out.extend_from_slice(piece);
    }
}

/// Appends a Close frame. The reason is cut at 123 bytes.
pub(crate) fn encode_close(out: &mut Vec<u8>, code: Option<u16>, reason: &str) {
    let mut payload = Vec::with_capacity(125);
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        let end = (0..=reason.len().min(123))
            .rev()
            .find(|&at| reason.is_char_boundary(at));
        let end = end.unwrap_or(0);
        payload.extend_from_slice(&reason.as_bytes()[..end]);
    }
    encode(out, CLOSE, &payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        encode_header(&mut frame, true, 0, payload.len() as u64);
        frame[0] = first;
        frame[1] |= 0x80;
        frame.extend_from_slice(&[1, 2, 3, 4]);
        frame.extend(
            payload
                .iter()
                .zip([1, 2, 3, 4].iter().cycle())
                .map(|(b, k)| b ^ k),
        );
        frame
    }

    #[test]
    fn a_masked_frame_comes_back_whole_and_never_early() {
        for size in [0, 1, 5, 125, 126, 127, 0xFFFF, 0x10000] {
            let payload: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let mut wire = masked(0x82, &payload);
            for cut in [0, 1, 2, 5, wire.len() - 1] {
                assert!(decode(&mut wire[..cut].to_vec()).unwrap().is_none());
            }
            let length = wire.len();
            let frame = decode(&mut wire).unwrap().unwrap();
            assert_eq!(
                (frame.fin, frame.opcode, frame.size),
                (true, BINARY, length)
            );
            assert_eq!(frame.payload, payload);
        }
    }

    #[test]
    fn a_clients_broken_duties_are_named() {
        assert!(decode(&mut [0x82, 0x00]).unwrap_err().contains("masked"));
        assert!(
            decode(&mut masked(0xC2, b"x"))
                .unwrap_err()
                .contains("reserved bit")
        );
        assert!(
            decode(&mut masked(0x83, b"x"))
                .unwrap_err()
                .contains("opcode")
        );
        assert!(
            decode(&mut masked(0x09, b"x"))
                .unwrap_err()
                .contains("control")
        );
        let long_form = [0x82, 0xFE, 0, 1, 0, 0, 0, 0, 9];
        assert!(
            decode(&mut long_form.to_vec())
                .unwrap_err()
                .contains("shortest")
        );
        let huge = [0x82, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0];
        assert!(
            decode(&mut huge.to_vec())
                .unwrap_err()
                .contains("too large")
        );
    }

    #[test]
    fn fragments_join_to_the_message_and_only_the_last_one_ends_it() {
        let mut wire = Vec::new();
        encode_fragments(&mut wire, TEXT, b"abcde", 2);
        assert_eq!(wire, b"\x01\x02ab\x00\x02cd\x80\x01e");
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let mut wire = Vec::new();
        encode_close(&mut wire, Some(1000), &"é".repeat(100));
        assert_eq!(wire.len(), 2 + 2 + 122);
    }
}
