//! permessage-deflate: the RFC's own examples, messages cut anywhere, bombs, and invalid data.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use everwire_proto::wire::{
    Decoder, Incoming, Limits, Opcode, Violation,
    deflate::{Agreed, Deflater, Inflater, Level, NoPool, WindowBits},
    encode_compressed,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::server::*;

const RSV1: u8 = 0x40;

fn agreed(takeover: bool, bits: u8) -> Agreed {
    let bits = WindowBits::new(bits).unwrap();
    Agreed {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
    }
}

fn decoder_within(limits: Limits, takeover: bool) -> Decoder {
    Decoder::new(limits).with_inflater(Inflater::new(&agreed(takeover, 15), &NoPool))
}

fn decoder(takeover: bool) -> Decoder {
    decoder_within(limits(), takeover)
}

/// A frame with RSV1.
fn marked(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame(opcode, fin, payload);
    frame[0] |= RSV1;
    frame
}

fn deflater(agreed: &Agreed) -> Deflater {
    Deflater::new(agreed, Level::default(), &NoPool).unwrap()
}

fn deflate(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflater.compress(message, true, &mut out).unwrap();
    out
}

fn texts(incoming: &[Incoming]) -> Vec<&str> {
    fn text(incoming: &Incoming) -> &str {
        match incoming {
            Incoming::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }
    incoming.iter().map(text).collect()
}

#[test]
fn the_examples_of_rfc_7692_are_decoded() {
    let examples: [(&str, Vec<u8>, &[&str]); 6] = [
        (
            "7.2.3.1, one block",
            marked(TEXT, true, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
            &["Hello"],
        ),
        (
            "7.2.3.1, fragmented",
            [
                marked(TEXT, false, &[0xf2, 0x48, 0xcd]),
                frame(CONTINUATION, true, &[0xc9, 0xc9, 0x07, 0x00]),
            ]
            .concat(),
            &["Hello"],
        ),
        (
            "7.2.3.2, sharing the window",
            [
                marked(TEXT, true, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
                marked(TEXT, true, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
            ]
            .concat(),
            &["Hello", "Hello"],
        ),
        (
            "7.2.3.3, not compressed",
            marked(
                TEXT,
                true,
                &[
                    0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
                ],
            ),
            &["Hello"],
        ),
        (
            "7.2.3.4, a final block",
            marked(
                TEXT,
                true,
                &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
            ),
            &["Hello"],
        ),
        (
            "7.2.3.5, two blocks",
            marked(
                TEXT,
                true,
                &[
                    0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
                ],
            ),
            &["Hello"],
        ),
    ];
    for (name, stream, expected) in examples {
        for size in [1, 2, 3, usize::MAX] {
            let mut decoder = decoder(true);
            let outcome = decode(&mut decoder, &stream, &[size], true);
            assert_eq!(outcome.violation, None, "{name}");
            assert_eq!(texts(&outcome.incoming), expected, "{name}");
            assert_eq!(decoder.buffered(), 0);
        }
    }
}

#[test]
fn an_empty_message_may_be_a_byte_or_none_and_is_followed_by_others() {
    let hello = marked(TEXT, true, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    for takeover in [true, false] {
        let stream = [
            marked(TEXT, true, &[0x00]),
            marked(TEXT, true, &[]),
            hello.clone(),
            marked(TEXT, false, &[]),
            frame(CONTINUATION, true, &[0x00]),
            marked(TEXT, true, &[0x03, 0x00]),
            hello.clone(),
            frame(TEXT, true, b"plain"),
        ]
        .concat();
        let outcome = decode(&mut decoder(takeover), &stream, &[], false);
        assert_eq!(outcome.violation, None);
        assert_eq!(
            texts(&outcome.incoming),
            ["", "", "Hello", "", "", "Hello", "plain"]
        );
    }
}

#[test]
fn rsv1_stands_on_the_first_frame_of_a_data_message_only() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for (stream, expected) in [
        (
            [
                marked(TEXT, false, &hello[..3]),
                marked(CONTINUATION, true, &hello[3..]),
            ]
            .concat(),
            Violation::CompressionBit(Opcode::Continuation),
        ),
        (
            marked(PING, true, b""),
            Violation::CompressionBit(Opcode::Ping),
        ),
        (
            marked(CLOSE, true, b""),
            Violation::CompressionBit(Opcode::Close),
        ),
        (vec![0x80 | 0x20 | TEXT, 0], Violation::ReservedBits(0b010)),
        (vec![0x80 | 0x60 | TEXT, 0], Violation::ReservedBits(0b110)),
        (
            [marked(TEXT, false, &hello), frame(TEXT, true, b"x")].concat(),
            Violation::MessageUnfinished(Opcode::Text),
        ),
        (
            [marked(TEXT, false, &hello), marked(BINARY, true, &hello)].concat(),
            Violation::MessageUnfinished(Opcode::Binary),
        ),
        (
            [frame(TEXT, false, b"x"), marked(TEXT, true, &hello)].concat(),
            Violation::MessageUnfinished(Opcode::Text),
        ),
    ] {
        let outcome = decode(&mut decoder(true), &stream, &[1], false);
        assert_eq!(outcome.violation, Some(expected.clone()));
        assert_eq!(expected.close_code(), 1002);
        assert_eq!(outcome.incoming, []);
    }
    let unasked = decode_all(&marked(TEXT, true, &hello));
    assert_eq!(unasked.violation, Some(Violation::ReservedBits(0b100)));
}

#[test]
fn a_ping_between_compressed_fragments_comes_at_once() {
    let stream = [
        marked(TEXT, false, &[0xf2, 0x48, 0xcd]),
        frame(PING, true, b"p"),
        frame(CONTINUATION, true, &[0xc9, 0xc9, 0x07, 0x00]),
    ]
    .concat();
    let outcome = decode(&mut decoder(false), &stream, &[], false);
    let ping = Incoming::Ping(Bytes::from_static(b"p"));
    assert_eq!(outcome.incoming, [ping, Incoming::Text("Hello".into())]);
}

#[test]
fn a_bomb_is_refused_while_it_inflates_and_the_memory_stays_flat() {
    const MAX: usize = 1 << 20;
    let limits = Limits {
        max_message: MAX,
        ..limits()
    };
    // 256 MiB of zeros in about 256 KiB.
    let agreed = agreed(true, 15);
    let mut deflater = deflater(&agreed);
    let (mut bomb, zeros) = (Vec::new(), vec![0; 1 << 20]);
    for _ in 0..255 {
        deflater.compress(&zeros, false, &mut bomb).unwrap();
    }
    deflater.compress(&zeros, true, &mut bomb).unwrap();
    assert!(bomb.len() < 300_000);
    for takeover in [true, false] {
        for (size, fragment) in [(100, bomb.len()), (usize::MAX, bomb.len()), (50, 200)] {
            let mut stream = Vec::new();
            for (i, piece) in bomb.chunks(fragment).enumerate() {
                let last = (i + 1) * fragment >= bomb.len();
                match i {
                    0 => stream.extend(marked(BINARY, last, piece)),
                    _ => stream.extend(frame(CONTINUATION, last, piece)),
                }
            }
            let mut decoder = decoder_within(limits, takeover);
            let outcome = decode(&mut decoder, &stream, &[size], true);
            let Some(violation) = outcome.violation else {
                panic!("the bomb went off");
            };
            assert!(matches!(
                violation,
                Violation::MessageTooBig { limit: MAX, .. }
            ));
            assert_eq!(violation.close_code(), 1009);
            assert!(outcome.peak <= MAX + 512, "{}", outcome.peak);
            // Only enough input to fill the limit was read.
            assert!(size > 200 || outcome.given < 4_000, "{}", outcome.given);
            assert_eq!(decoder.buffered(), 0);
        }
    }
}

#[test]
fn a_message_of_exactly_the_limit_is_accepted_and_one_byte_more_is_not() {
    for len in [0, 1, 64, 1000] {
        let limits = Limits {
            max_message: len,
            ..limits()
        };
        for (size, good) in [(len, true), (len + 1, false)] {
            let data = match size {
                0 => vec![0],
                size => deflate(&mut deflater(&agreed(false, 15)), &vec![b'x'; size]),
            };
            let stream = marked(TEXT, true, &data);
            let outcome = decode(&mut decoder_within(limits, false), &stream, &[], false);
            assert_eq!(
                outcome.violation.is_none(),
                good,
                "{size} of {len}: {outcome:?}"
            );
        }
    }
}

#[test]
fn the_limits_of_frames_and_fragments_are_those_of_the_wire() {
    let tight = Limits {
        max_frame: 3,
        max_fragments: 2,
        ..limits()
    };
    let big = marked(BINARY, true, &[0; 4]);
    let outcome = decode(&mut decoder_within(tight, true), &big, &[], false);
    assert_eq!(
        outcome.violation,
        Some(Violation::FrameTooBig { len: 4, limit: 3 })
    );
    let many = [
        marked(BINARY, false, &[]),
        frame(CONTINUATION, false, &[]),
        frame(CONTINUATION, false, &[]),
    ]
    .concat();
    let outcome = decode(&mut decoder_within(tight, true), &many, &[], false);
    assert_eq!(
        outcome.violation,
        Some(Violation::TooManyFragments { limit: 2 })
    );
}

#[test]
fn bad_text_is_refused_with_the_piece_that_proves_it() {
    let data = deflate(&mut deflater(&agreed(false, 15)), b"good \xff bad");
    let mut stream = marked(TEXT, false, &data);
    let whole = stream.len();
    stream.extend(frame(CONTINUATION, false, &[0; 100]));
    let outcome = decode(&mut decoder(false), &stream, &[1], false);
    assert_eq!(
        outcome.violation,
        Some(Violation::TextNotUtf8 { offset: 5 })
    );
    assert!(outcome.given <= whole);
    let half = deflate(
        &mut deflater(&agreed(false, 15)),
        "é".as_bytes().split_at(1).0,
    );
    let outcome = decode(&mut decoder(false), &marked(TEXT, true, &half), &[], false);
    assert_eq!(
        outcome.violation,
        Some(Violation::TextNotUtf8 { offset: 0 })
    );
}

#[test]
fn data_that_is_no_deflate_or_stops_within_a_block_is_invalid() {
    let text = "the quick brown fox jumps over the lazy dog, and again over the lazy dog";
    let good = deflate(&mut deflater(&agreed(false, 15)), text.as_bytes());
    for takeover in [true, false] {
        // A block of the reserved type.
        let outcome = decode(
            &mut decoder(takeover),
            &marked(BINARY, true, &[0x07]),
            &[],
            false,
        );
        assert_eq!(outcome.violation, Some(Violation::DeflateInvalid));
        assert_eq!(Violation::DeflateInvalid.close_code(), 1007);
        for len in 1..good.len() {
            let stream = marked(TEXT, true, &good[..len]);
            let outcome = decode(&mut decoder(takeover), &stream, &[], false);
            let violation = outcome
                .violation
                .unwrap_or_else(|| panic!("{len} bytes passed"));
            assert_eq!(violation.close_code(), 1007, "{len}: {violation}");
        }
    }
    // A reference to data before an independent message.
    let mut deflater = deflater(&agreed(true, 15));
    let stream = [
        marked(TEXT, true, &deflate(&mut deflater, text.as_bytes())),
        marked(TEXT, true, &deflate(&mut deflater, text.as_bytes())),
    ]
    .concat();
    let kept = decode(&mut decoder(true), &stream, &[], false);
    assert_eq!(texts(&kept.incoming), [text, text]);
    let alone = decode(&mut decoder(false), &stream, &[], false);
    assert_eq!(texts(&alone.incoming), [text]);
    assert_eq!(alone.violation, Some(Violation::DeflateInvalid));
}

#[test]
fn what_is_wrong_first_is_told_however_the_data_is_cut() {
    let stored =
        |text: &[u8]| [&[0x00, text.len() as u8, 0, !text.len() as u8, 0xff], text].concat();
    let no_block = [0x07].as_slice();
    let not_utf8 = Violation::TextNotUtf8 { offset: 0 };
    let too_big = Violation::MessageTooBig { len: 5, limit: 4 };
    for (data, expected) in [
        ([&stored(b"\xff"), no_block].concat(), not_utf8.clone()),
        ([&stored(b"\xffabcd"), no_block].concat(), not_utf8.clone()),
        (stored(b"\xffabcdefg"), not_utf8),
        ([&stored(b"abcde"), no_block].concat(), too_big),
        (
            [&stored(b"abcd"), no_block].concat(),
            Violation::DeflateInvalid,
        ),
    ] {
        let stream = marked(TEXT, true, &data);
        for sizes in [&[][..], &[1]] {
            let limits = Limits {
                max_message: 4,
                ..limits()
            };
            let outcome = decode(&mut decoder_within(limits, true), &stream, sizes, false);
            assert_eq!(
                outcome.violation.as_ref(),
                Some(&expected),
                "{data:x?} by {sizes:?}"
            );
        }
    }
}

#[test]
fn the_empty_block_that_ends_a_message_may_be_a_final_one() {
    for takeover in [true, false] {
        let hello = [b"\x00\x05\x00\xfa\xffHello".as_slice(), &[0x01]].concat();
        let stream = [marked(TEXT, true, &[0x01]), marked(TEXT, true, &hello)].concat();
        let outcome = decode(&mut decoder(takeover), &stream, &[], false);
        assert_eq!(outcome.violation, None);
        assert_eq!(texts(&outcome.incoming), ["", "Hello"]);
    }
}

#[test]
fn a_window_of_8_bits_is_received_and_not_sent() {
    let small = agreed(true, 8);
    assert!(Deflater::new(&small, Level::default(), &NoPool).is_none());
    // zlib uses a window of 9 bits if 8 are requested.
    let mut deflater = deflater(&agreed(true, 9));
    let message: Vec<u8> = (0..2000_u32).map(|i| (i % 500 * 7) as u8).collect();
    let stream = marked(BINARY, true, &deflate(&mut deflater, &message));
    let mut decoder = Decoder::new(limits()).with_inflater(Inflater::new(&small, &NoPool));
    let outcome = decode(&mut decoder, &stream, &[], false);
    assert_eq!(outcome.incoming, [Incoming::Binary(message.into())]);
}

#[test]
fn a_compressed_frame_is_masked_and_marked() {
    let mut out = BytesMut::new();
    encode_compressed(Opcode::Text, true, &[0xf2, 0x00], [1, 2, 3, 4], &mut out);
    assert_eq!(&out[..], [0xc1, 0x82, 1, 2, 3, 4, 0xf3, 0x02]);
}

/// Texts that compress well and data that does not.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => vec(any::<u8>(), 1..300),
        3 => ("[a-f]{1,9}", 1_usize..2_000).prop_map(|(word, times)| word.repeat(times).into_bytes()),
        1 => vec(any::<u8>(), 60_000..70_000),
    ]
}

/// Messages that our compressor wrote piece by piece, in a server's frames, and their content.
fn written(
    agreed: &Agreed,
    level: u8,
    messages: &[(Vec<u8>, Vec<Index>, Vec<Index>)],
) -> (Vec<u8>, Vec<Incoming>) {
    let mut deflater = Deflater::new(agreed, Level::new(level).unwrap(), &NoPool).unwrap();
    let (mut stream, mut expected) = (Vec::new(), Vec::new());
    for (message, pieces, fragments) in messages {
        let mut data = Vec::new();
        let pieces = cuts(message, pieces);
        for (i, piece) in pieces.iter().enumerate() {
            deflater
                .compress(piece, i + 1 == pieces.len(), &mut data)
                .unwrap();
        }
        let fragments = cuts(&data, fragments);
        for (i, piece) in fragments.iter().enumerate() {
            let fin = i + 1 == fragments.len();
            stream.extend(match i {
                0 => marked(BINARY, fin, piece),
                _ => frame(CONTINUATION, fin, piece),
            });
        }
        expected.push(Incoming::Binary(message.clone().into()));
    }
    (stream, expected)
}

/// `data` in pieces; the last is never empty.
fn cuts<'a>(data: &'a [u8], at: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = at.iter().map(|cut| cut.index(data.len())).collect();
    at.sort_unstable();
    let (mut pieces, mut start) = (Vec::new(), 0);
    for cut in at {
        pieces.push(&data[start..cut]);
        start = cut;
    }
    pieces.push(&data[start..]);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_sequence_of_compressed_messages_survives_any_cut(
        messages in vec((payload(), vec(any::<Index>(), 0..4), vec(any::<Index>(), 0..6)), 1..6),
        takeover: bool,
        bits in 9_u8..=15,
        level in 1_u8..=9,
        sizes in prop_oneof![vec(1_usize..20, 1..8), vec(1_usize..70_000, 1..8)],
    ) {
        let agreed = agreed(takeover, bits);
        let (stream, expected) = written(&agreed, level, &messages);
        let mut decoder = Decoder::new(limits()).with_inflater(Inflater::new(&agreed, &NoPool));
        let outcome = decode(&mut decoder, &stream, &sizes, true);
        prop_assert_eq!(outcome.violation, None);
        prop_assert!(outcome.incoming == expected);
        prop_assert_eq!(decoder.buffered(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn a_corrupted_stream_neither_panics_nor_fills_the_memory(
        messages in vec((payload(), vec(any::<Index>(), 0..2), vec(any::<Index>(), 0..6)), 1..4),
        flaws in vec((any::<Index>(), any::<u8>()), 1..5),
        takeover: bool,
        sizes in vec(1_usize..70_000, 1..8),
        max_message in 0_usize..70_000,
    ) {
        let (mut stream, _) = written(&agreed(takeover, 15), 6, &messages);
        for (at, value) in flaws {
            let at = at.index(stream.len());
            stream[at] ^= value;
        }
        let limits = Limits { max_message, ..limits() };
        let mut decoder = decoder_within(limits, takeover);
        let outcome = decode(&mut decoder, &stream, &sizes, true);
        prop_assert!(outcome.peak <= max_message + 512, "{} held", outcome.peak);
        for incoming in &outcome.incoming {
            if let Incoming::Binary(payload) = incoming {
                prop_assert!(payload.len() <= max_message);
            }
        }
        let mut after = Bytes::from_static(b"\x81\x02hi");
        let result = decoder.decode(&mut after, Instant::now());
        prop_assert!(outcome.violation.is_none() || result == Ok(None));
    }

    #[test]
    fn noise_in_a_compressed_frame_neither_panics_nor_fills_the_memory(
        noise in vec(vec(any::<u8>(), 0..200), 1..6),
        takeover: bool,
        text: bool,
    ) {
        let mut stream = Vec::new();
        for data in &noise {
            stream.extend(marked(if text { TEXT } else { BINARY }, true, data));
        }
        let limits = Limits { max_message: 10_000, ..limits() };
        let outcome = decode(&mut decoder_within(limits, takeover), &stream, &[7], true);
        prop_assert!(outcome.peak <= 10_000 + 512, "{} held", outcome.peak);
    }
}
