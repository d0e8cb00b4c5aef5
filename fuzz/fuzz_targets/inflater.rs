//! Compressed messages, compared with a reference decompressor.
//!
//! The first four bytes choose the limit and the splits; each message that follows is preceded by
//! its length.

#![no_main]

use everwire_fuzz::{
    book::item,
    lender::Lender,
    model::{Model, Verdict},
    server::{self, BINARY, Outcome, TEXT, limits},
};
use everwire_proto::wire::{
    Decoder, Incoming, Limits, Violation,
    deflate::{Agreed, Inflater, Lend, NoPool, WindowBits},
};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&[flags, max, cuts @ ..], rest)) = input.split_first_chunk::<4>() else {
        return Corpus::Reject;
    };
    let takeover = flags & 1 == 0;
    let opcode = if flags & 2 == 0 { BINARY } else { TEXT };
    let max = match max {
        0..=199 => usize::from(max),
        longer => 1 << (longer % 18),
    };
    let messages = messages(rest);
    let stream: Vec<u8> = messages
        .iter()
        .flat_map(|message| {
            let mut frame = server::frame(opcode, true, message);
            frame[0] |= 0x40;
            frame
        })
        .collect();

    let decode = |cuts: &[usize], lender: &'static dyn Lend| {
        let limits = Limits {
            max_message: max,
            ..limits()
        };
        let agreed = Agreed {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: false,
            server_max_window_bits: WindowBits::MAX,
            client_max_window_bits: WindowBits::MAX,
        };
        let mut decoder = Decoder::new(limits).with_inflater(Inflater::new(&agreed, lender));
        server::decode(&mut decoder, &stream, cuts, false)
    };
    let whole = decode(&[], &NoPool);
    let pieces = decode(&cuts.map(usize::from), &Lender);
    let bytes = decode(&[1], &Lender);
    for other in [&pieces, &bytes] {
        assert_eq!(
            whole.incoming, other.incoming,
            "the cuts change what is delivered"
        );
        assert_eq!(
            whole.violation, other.violation,
            "the cuts change the violation"
        );
        assert!(other.peak <= max + 512, "{} bytes are held", other.peak);
    }
    judged_by_the_book(&whole, Model::new(takeover, max), &messages, opcode);
    Corpus::Keep
});

/// Messages, each after two bytes with its length.
fn messages(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some((len, data)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_le_bytes(*len));
        let (message, behind) = data.split_at(len.min(data.len()));
        messages.push(message);
        rest = behind;
    }
    messages
}

fn judged_by_the_book(outcome: &Outcome, mut model: Model, messages: &[&[u8]], opcode: u8) {
    let mut delivered = outcome.incoming.iter();
    for message in messages {
        let made = made_of(delivered.next(), outcome);
        match (model.message(message, opcode == TEXT), made) {
            (Verdict::Payload(payload), Ok(incoming)) => {
                assert_eq!(item(incoming), (opcode, payload));
            }
            (Verdict::Refused(expected), Err(violation)) => {
                return assert_eq!(violation, &expected);
            }
            (Verdict::Cut | Verdict::CutInCodes, Err(violation)) => {
                return assert!(matches!(violation.close_code(), 1007 | 1009));
            }
            // With context takeover the decoder is still within that block.
            (Verdict::CutInCodes, Ok(_)) => return,
            (expected, made) => panic!("{expected:?} was expected, and not {made:?}"),
        }
    }
    assert_eq!(delivered.next(), None);
}

fn made_of<'a>(
    delivered: Option<&'a Incoming>,
    outcome: &'a Outcome,
) -> Result<&'a Incoming, &'a Violation> {
    match (delivered, &outcome.violation) {
        (Some(incoming), _) => Ok(incoming),
        (None, Some(violation)) => Err(violation),
        (None, None) => panic!("a message is missing"),
    }
}
