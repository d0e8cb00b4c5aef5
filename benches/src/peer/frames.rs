//! Parses a client's frames, and makes a server's frames.

/// The result for the complete frames at the start of the input.
pub struct Answered {
    /// The length of these frames.
    pub consumed: usize,
    /// Whether one of them was a close frame. After the answer to it, the peer ends the connection,
    /// as a server does.
    pub closes: bool,
}

/// Appends the answers to the complete frames at the start of `input`, which is unmasked in place.
pub fn answer(input: &mut [u8], answers: &mut Vec<u8>) -> Answered {
    let (mut consumed, mut closes) = (0, false);
    while let Some((head, len)) = header(&input[consumed..]) {
        let end = consumed + head + 4 + len;
        if input.len() < end {
            break;
        }
        closes |= input[consumed] == 0x88;
        let first = match input[consumed] {
            0x89 => 0x8a,
            other => other,
        };
        push_header(first, len, answers);
        let (key, payload) = input[consumed + head..end].split_at_mut(4);
        let mut words = payload.chunks_exact_mut(4);
        for word in &mut words {
            for (byte, key) in word.iter_mut().zip(&*key) {
                *byte ^= key;
            }
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(&*key) {
            *byte ^= key;
        }
        answers.extend_from_slice(payload);
        consumed = end;
    }
    Answered { consumed, closes }
}

/// The length of the header without its key, and that of the payload.
pub fn header(input: &[u8]) -> Option<(usize, usize)> {
    match *input.get(1)? & 0x7f {
        126 => {
            let len: [u8; 2] = input.get(2..4)?.try_into().ok()?;
            Some((4, u16::from_be_bytes(len).into()))
        }
        127 => {
            let len: [u8; 8] = input.get(2..10)?.try_into().ok()?;
            Some((10, u64::from_be_bytes(len) as usize))
        }
        short => Some((2, short.into())),
    }
}

/// Appends an unmasked frame's header.
pub fn push_header(first: u8, len: usize, out: &mut Vec<u8>) {
    out.push(first);
    match len {
        0..126 => out.push(len as u8),
        126..=0xffff => {
            out.push(126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend((len as u64).to_be_bytes());
        }
    }
}
