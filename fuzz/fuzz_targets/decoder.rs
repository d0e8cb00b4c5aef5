//! A stream of frames, split into arbitrary reads.
//!
//! The first eight bytes choose the limits and the splits, the rest is the stream.

#![no_main]

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use everwire_fuzz::{
    book::{Items, item},
    lender::Lender,
    model::{Model, Verdict},
    server::{self, Outcome},
};
use everwire_proto::wire::{
    Decoder, Incoming, Limits, Opcode,
    deflate::{Agreed, Deflater, Inflater, Level, WindowBits},
    encode_close, encode_compressed, encode_frame,
};
use libfuzzer_sys::{Corpus, fuzz_target};

/// The memory besides a message's bytes.
const OVERHEAD: usize = 512;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((choice, stream)) = input.split_first_chunk() else {
        return Corpus::Reject;
    };
    let choice = Choice::new(*choice);
    // A run of zeros after the stream, so that a short input can fill a long frame.
    let stream = [stream, &vec![0; choice.zeros]].concat();

    let mut decoder = choice.decoder();
    let whole = server::decode(&mut decoder, &stream, &[], false);
    let pieces = server::decode(&mut choice.decoder(), &stream, &choice.cuts, choice.direct);
    assert_eq!(
        whole.incoming, pieces.incoming,
        "the cuts change what is delivered"
    );
    assert_eq!(
        whole.violation, pieces.violation,
        "the cuts change the violation"
    );
    for outcome in [&whole, &pieces] {
        assert!(
            outcome.peak <= choice.limits.max_message + OVERHEAD,
            "{} bytes are held",
            outcome.peak
        );
    }
    nothing_follows_the_end(&mut decoder, &whole);
    delivered_by_the_book(&choice, &stream, &whole);
    written_and_read_again(&choice, &whole.incoming);
    Corpus::Keep
});

/// The choices of the first bytes.
struct Choice {
    limits: Limits,
    agreed: Option<Agreed>,
    direct: bool,
    zeros: usize,
    cuts: [usize; 3],
}

impl Choice {
    fn new([flags, message, frame, few, zeros, cuts @ ..]: [u8; 8]) -> Self {
        let size = |choice: u8| match choice {
            0..=199 => usize::from(choice),
            longer => 1 << (longer % 20),
        };
        let agreed = Agreed {
            server_no_context_takeover: flags & 2 != 0,
            client_no_context_takeover: flags & 2 != 0,
            server_max_window_bits: WindowBits::MAX,
            client_max_window_bits: WindowBits::MAX,
        };
        Self {
            limits: Limits {
                max_message: size(message),
                max_frame: size(frame),
                max_fragments: u32::from(few >> 4),
                max_control_per_second: u32::from(few & 15),
            },
            agreed: (flags & 1 != 0).then_some(agreed),
            direct: flags & 4 != 0,
            zeros: usize::from(zeros) << 9,
            cuts: cuts.map(size),
        }
    }

    fn decoder(&self) -> Decoder {
        self.decoder_within(self.limits)
    }

    fn decoder_within(&self, limits: Limits) -> Decoder {
        let decoder = Decoder::new(limits);
        match &self.agreed {
            Some(agreed) => decoder.with_inflater(Inflater::new(agreed, &Lender)),
            None => decoder,
        }
    }
}

/// After a violation or a close frame nothing is decoded, and nothing is held.
fn nothing_follows_the_end(decoder: &mut Decoder, outcome: &Outcome) {
    let closed = |incoming: &Incoming| matches!(incoming, Incoming::Close(_));
    let close = outcome.incoming.iter().position(closed);
    if let Some(close) = close {
        assert_eq!(
            close + 1,
            outcome.incoming.len(),
            "a Close frame is the last"
        );
        assert_eq!(
            outcome.violation, None,
            "nothing is judged behind a Close frame"
        );
    }
    if close.is_some() || outcome.violation.is_some() {
        let mut hello = Bytes::from_static(b"\x81\x05hello");
        assert_eq!(decoder.decode(&mut hello, Instant::now()), Ok(None));
        assert!(hello.is_empty() && decoder.buffered() == 0);
    }
}

/// The decoder delivers what the stream contains, within the limits, and everything unless it
/// refused the stream.
fn delivered_by_the_book(choice: &Choice, stream: &[u8], outcome: &Outcome) {
    let model = |agreed: &Agreed| {
        Model::new(
            !agreed.server_no_context_takeover,
            choice.limits.max_message,
        )
    };
    let mut book = Items::new(stream, choice.limits, choice.agreed.as_ref().map(model));
    for incoming in &outcome.incoming {
        if let Incoming::Text(text) = incoming {
            assert!(
                std::str::from_utf8(text.as_bytes()).is_ok(),
                "a text is UTF-8"
            );
        }
        let (opcode, payload) = item(incoming);
        let is_control = opcode & 8 != 0;
        let longest = if is_control {
            125
        } else {
            choice.limits.max_message
        };
        assert!(
            payload.len() <= longest,
            "{} bytes are delivered",
            payload.len()
        );
        match book.next_item() {
            Some((_, Verdict::CutInCodes)) => return,
            expected => assert_eq!(expected, Some((opcode, Verdict::Payload(payload)))),
        }
    }
    let closed = matches!(outcome.incoming.last(), Some(Incoming::Close(_)));
    if outcome.violation.is_none() && !closed {
        assert_eq!(book.next_item(), None, "a message is missing");
    }
}

/// Delivered messages stay the same when the encoder writes them and they are read again.
fn written_and_read_again(choice: &Choice, incoming: &[Incoming]) {
    if incoming.is_empty() {
        return;
    }
    let mut deflater = choice.agreed.and_then(|agreed| {
        let fast = Level::new(1).unwrap_or_default();
        Deflater::new(&agreed, fast, &Lender)
    });
    let mut written = BytesMut::new();
    for (number, incoming) in incoming.iter().enumerate() {
        let key = (number as u32).wrapping_mul(0x9e37_79b9).to_be_bytes();
        let (opcode, payload) = item(incoming);
        let opcode = Opcode::from_bits(opcode).unwrap_or(Opcode::Binary);
        match (incoming, &mut deflater) {
            (Incoming::Close(frame), _) => encode_close(frame, key, &mut written),
            (Incoming::Text(_) | Incoming::Binary(_), Some(deflater)) if !payload.is_empty() => {
                let mut data = Vec::new();
                assert_eq!(deflater.compress(&payload, true, &mut data), Ok(()));
                encode_compressed(opcode, true, &data, key, &mut written);
            }
            _ => encode_frame(opcode, true, &payload, key, &mut written),
        }
    }
    let mut stream = Vec::new();
    for frame in server::read_frames(&written) {
        stream.push(frame.first);
        stream.extend(&server::header(0, true, frame.payload.len() as u64)[1..]);
        stream.extend(frame.payload);
    }
    let limits = Limits {
        max_message: choice.limits.max_message,
        ..server::limits()
    };
    let again = server::decode(
        &mut choice.decoder_within(limits),
        &stream,
        &choice.cuts,
        choice.direct,
    );
    assert_eq!(
        (again.incoming.as_slice(), again.violation),
        (incoming, None)
    );
}
