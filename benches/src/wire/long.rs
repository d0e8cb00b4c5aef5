//! Messages of 1 MiB, compared with the unavoidable work. Each function returns the time for all
//! rounds.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use everwire::wire::{Decoder, Incoming, Limits, Opcode, encode_frame};

use crate::pairs::fastest;

const SIZE: usize = 1 << 20;
const ROUNDS: usize = 200;

/// Each byte below 128, or a German, Japanese and emoji mixture.
pub fn text(ascii: bool) -> String {
    let words = if ascii {
        "{\"op\":\"subscribe\",\"channel\":\"trades\"}"
    } else {
        "Grüße aus Köln, 日本語のテキスト, and a 😀 "
    };
    let mut text = words.repeat(SIZE / words.len());
    text.extend(std::iter::repeat_n(' ', SIZE - text.len()));
    text
}

/// Copies the payload.
pub fn memcpy() -> Duration {
    let payload = vec![7; SIZE];
    let mut out = BytesMut::with_capacity(SIZE + 64);
    fastest(|| {
        for _ in 0..ROUNDS {
            out.clear();
            out.extend_from_slice(black_box(&payload));
            black_box(&mut out);
        }
    })
}

/// Encodes and masks it.
pub fn encode() -> Duration {
    let payload = vec![7; SIZE];
    let mut out = BytesMut::with_capacity(SIZE + 64);
    fastest(|| {
        for round in 0..ROUNDS {
            out.clear();
            let key = (round as u32 | 0x1234_5678).to_ne_bytes();
            encode_frame(Opcode::Binary, true, black_box(&payload), key, &mut out);
            black_box(&mut out);
        }
    })
}

/// Checks that it is UTF-8.
pub fn check(text: &str) -> Duration {
    fastest(|| {
        for _ in 0..ROUNDS {
            let checked = simdutf8::basic::from_utf8(black_box(text.as_bytes()));
            black_box(checked.expect("UTF-8"));
        }
    })
}

/// Decodes it from memory that holds the whole frame.
pub fn decode(text: &str) -> Duration {
    let stream = stream(text);
    fastest(|| {
        for _ in 0..ROUNDS {
            let mut decoder = Decoder::new(Limits::default());
            let mut input = black_box(&stream).clone();
            let text = decoder.decode(&mut input, Instant::now()).expect("a frame");
            assert!(matches!(black_box(text), Some(Incoming::Text(text)) if text.len() == SIZE));
        }
    })
}

/// Copies it 64 KiB at a time into its own memory, and checks the whole: the unavoidable work of
/// `decode_reads`.
pub fn copy_and_check(text: &str) -> Duration {
    let stream = stream(text);
    fastest(|| {
        for _ in 0..ROUNDS {
            let mut message = BytesMut::with_capacity(SIZE + 64);
            for read in black_box(&stream).chunks(64 << 10) {
                message.extend_from_slice(read);
            }
            let checked = simdutf8::basic::from_utf8(&message[10..]);
            black_box(checked.expect("UTF-8"));
            black_box(message);
        }
    })
}

/// Decodes it as a socket delivers it, 64 KiB at a time. Each read is checked at once.
pub fn decode_reads(text: &str) -> Duration {
    let stream = stream(text);
    fastest(|| {
        for _ in 0..ROUNDS {
            let mut decoder = Decoder::new(Limits::default());
            let text = as_read(&mut decoder, black_box(&stream));
            assert!(matches!(black_box(text), Incoming::Text(text) if text.len() == SIZE));
        }
    })
}

fn as_read(decoder: &mut Decoder, mut rest: &[u8]) -> Incoming {
    loop {
        let mut input = match decoder.read_target() {
            Some(mut target) => {
                let len = rest.len().min(64 << 10).min(target.remaining_mut());
                target.put_slice(&rest[..len]);
                rest.advance(len);
                Bytes::new()
            }
            None => {
                let len = rest.len().min(64 << 10);
                rest.copy_to_bytes(len)
            }
        };
        if let Some(text) = decoder.decode(&mut input, Instant::now()).expect("a frame") {
            return text;
        }
    }
}

fn stream(text: &str) -> Bytes {
    let mut frame = Vec::new();
    crate::peer::push_header(0x81, text.len(), &mut frame);
    frame.extend(text.as_bytes());
    frame.into()
}
