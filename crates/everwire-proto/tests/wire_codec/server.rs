//! The server's side: frames of a valid or an invalid server, and a reader for a client's frames.

use std::time::Instant;

use bytes::{BufMut, Bytes};
use everwire_proto::wire::{Decoder, Incoming, Limits, Violation};

pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;

/// The default limits, without a limit for control frames.
pub fn limits() -> Limits {
    Limits {
        max_control_per_second: u32::MAX,
        ..Limits::default()
    }
}

/// A whole, unmasked frame.
pub fn frame(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, fin, payload.len() as u64);
    frame.extend(payload);
    frame
}

/// The header of an unmasked frame, with its length in the shortest form.
pub fn header(opcode: u8, fin: bool, len: u64) -> Vec<u8> {
    let mut header = vec![u8::from(fin) << 7 | opcode];
    match len {
        0..=125 => header.push(len as u8),
        126..=0xffff => {
            header.push(126);
            header.extend((len as u16).to_be_bytes());
        }
        _ => {
            header.push(127);
            header.extend(len.to_be_bytes());
        }
    }
    header
}

/// A frame of a client, unmasked.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub first: u8,
    pub key: [u8; 4],
    pub payload: Vec<u8>,
}

/// Reads all frames of a client strictly, and requires the shortest form of the length.
pub fn read_frames(mut written: &[u8]) -> Vec<Received> {
    let mut take = |count: usize| {
        let (taken, rest) = written.split_at(count);
        written = rest;
        (taken.to_vec(), rest.is_empty())
    };
    let mut frames = Vec::new();
    loop {
        let (start, _) = take(2);
        assert_eq!(start[1] & 0x80, 0x80, "a client masks");
        let len = match start[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes(take(2).0.try_into().unwrap())),
            127 => u64::from_be_bytes(take(8).0.try_into().unwrap()),
            short => u64::from(short),
        };
        assert_eq!(header(start[0] & 0x0f, true, len)[1], start[1] & 0x7f);
        let key: [u8; 4] = take(4).0.try_into().unwrap();
        let (mut payload, end) = take(len as usize);
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
        frames.push(Received {
            first: start[0],
            key,
            payload,
        });
        if end {
            return frames;
        }
    }
}

/// The output of a decoder, and the number of bytes that it read.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub incoming: Vec<Incoming>,
    pub violation: Option<Violation>,
    /// How many bytes had been given when decoding stopped.
    pub given: usize,
    /// The most that the decoder held at any time.
    pub peak: usize,
}

/// Decodes `stream`, given in pieces of these sizes, repeated; directly into the decoder's memory
/// where `direct` allows it, as a socket does.
pub fn decode(decoder: &mut Decoder, stream: &[u8], sizes: &[usize], direct: bool) -> Outcome {
    let now = Instant::now();
    let mut outcome = Outcome::default();
    let mut sizes = sizes.iter().copied().cycle();
    while outcome.given < stream.len() && outcome.violation.is_none() {
        let rest = &stream[outcome.given..];
        let size = sizes.next().unwrap_or(usize::MAX).clamp(1, rest.len());
        let target = if direct { decoder.read_target() } else { None };
        let read = target.map(|mut target| {
            let size = size.min(target.remaining_mut());
            target.put_slice(&rest[..size]);
            size
        });
        let mut input = match read {
            Some(_) => Bytes::new(),
            None => Bytes::copy_from_slice(&rest[..size]),
        };
        outcome.given += read.unwrap_or(size);
        loop {
            let result = decoder.decode(&mut input, now);
            outcome.peak = outcome.peak.max(decoder.buffered());
            match result {
                Ok(Some(incoming)) => outcome.incoming.push(incoming),
                Ok(None) => break assert!(input.is_empty(), "all is consumed"),
                Err(violation) => break outcome.violation = Some(violation),
            }
        }
    }
    outcome
}

/// Decodes a stream that is given at once.
pub fn decode_all(stream: &[u8]) -> Outcome {
    decode(&mut Decoder::new(limits()), stream, &[], false)
}

/// Decodes a stream that is given byte by byte.
pub fn decode_bytewise(stream: &[u8]) -> Outcome {
    decode(&mut Decoder::new(limits()), stream, &[1], false)
}
