//! Whatever data arrives, there is no panic and no more memory than promised.

use std::time::Instant;

use bytes::{BufMut, Bytes};
use everwire_proto::wire::{Decoder, Incoming, Limits};
use proptest::{collection::vec, prelude::*};

use crate::server::*;

/// The memory of a decoder beyond a message: its records, and a control frame.
const CONSTANT: usize = 512;
/// How far ahead of the data memory may be allocated.
const AHEAD: usize = 64 << 10;

#[test]
fn an_idle_decoder_is_small_and_owns_nothing() {
    assert!(size_of::<Decoder>() <= 128);
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decoder.buffered(), 0);
    let stream = [
        frame(TEXT, false, b"a"),
        frame(CONTINUATION, true, b"b"),
        vec![0x82],
    ]
    .concat();
    assert_eq!(decode(&mut decoder, &stream, &[1], false).incoming.len(), 1);
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn a_whole_message_shares_the_memory_it_was_read_into() {
    for (opcode, len) in [
        (TEXT, 5),
        (BINARY, 125),
        (TEXT, 126),
        (BINARY, 70_000),
        (PING, 125),
    ] {
        let mut read = Bytes::from(
            [
                frame(opcode, true, &vec![b'x'; len]),
                frame(PONG, true, b""),
            ]
            .concat(),
        );
        let memory = read.as_ptr_range();
        let incoming = Decoder::new(limits()).decode(&mut read, Instant::now());
        let payload = match incoming.unwrap().unwrap() {
            Incoming::Text(text) => text.into_bytes(),
            Incoming::Binary(payload) | Incoming::Ping(payload) => payload,
            other => panic!("{other:?}"),
        };
        assert_eq!(payload.len(), len);
        assert!(memory.contains(&payload.as_ptr()), "{len}");
    }
}

#[test]
fn a_close_reason_does_not_keep_the_read_buffer() {
    let mut read = Bytes::from(frame(CLOSE, true, b"\x03\xe8bye"));
    let memory = read.as_ptr_range();
    let incoming = Decoder::new(limits()).decode(&mut read, Instant::now());
    let Ok(Some(Incoming::Close(frame))) = incoming else {
        panic!("{incoming:?}");
    };
    assert!(!memory.contains(&frame.reason.as_bytes().as_ptr()));
}

#[test]
fn an_announced_length_is_not_believed_before_its_bytes_are_there() {
    let mut decoder = Decoder::new(limits());
    let mut stream = header(BINARY, true, 16 << 20);
    stream.push(0);
    decode(&mut decoder, &stream, &[], false);
    assert!(
        decoder.buffered() <= AHEAD + CONSTANT,
        "{}",
        decoder.buffered()
    );
    let lent = decoder.read_target().map(|target| target.remaining_mut());
    assert!(lent.is_some_and(|lent| lent <= AHEAD));
}

#[test]
fn a_long_message_is_moved_only_a_few_times_while_it_grows() {
    const LEN: usize = 10 << 20;
    let mut decoder = Decoder::new(limits());
    let piece = Bytes::from(vec![0; 1_000]);
    decode(&mut decoder, &header(BINARY, true, LEN as u64), &[], false);
    let mut given = 0;
    let mut growths = 0;
    let mut message = None;
    while message.is_none() {
        let before = decoder.buffered();
        let mut input = piece.slice(..piece.len().min(LEN - given));
        given += input.len();
        message = decoder.decode(&mut input, Instant::now()).unwrap();
        growths += usize::from(decoder.buffered() > before);
        assert!(decoder.buffered() <= 2 * given + AHEAD + CONSTANT);
        assert!(decoder.buffered() <= LEN + CONSTANT);
    }
    assert!(matches!(message, Some(Incoming::Binary(payload)) if payload.len() == LEN));
    assert!(growths <= 12, "{growths}");
    assert_eq!(decoder.buffered(), 0);
}

#[test]
fn many_small_fragments_are_gathered_in_linear_time() {
    let mut decoder = Decoder::new(limits());
    decode(&mut decoder, &frame(BINARY, false, b""), &[], false);
    let mut growths = 0;
    for _ in 0..60_000 {
        let before = decoder.buffered();
        decode(
            &mut decoder,
            &frame(CONTINUATION, false, &[7; 10]),
            &[],
            false,
        );
        growths += usize::from(decoder.buffered() > before);
    }
    assert!(growths <= 20, "{growths}");
    let end = decode(&mut decoder, &frame(CONTINUATION, true, b""), &[], false);
    assert!(matches!(&end.incoming[..], [Incoming::Binary(payload)] if payload.len() == 600_000));
}

#[test]
fn memory_is_lent_for_long_rests_of_data_frames_only() {
    let lent = |stream: &[u8]| {
        let mut decoder = Decoder::new(limits());
        decode(&mut decoder, stream, &[], false);
        decoder.read_target().map(|target| target.remaining_mut())
    };
    const MIN: usize = Decoder::MIN_READ_TARGET;
    assert_eq!(lent(b""), None);
    assert_eq!(lent(b"\x82\x7f"), None);
    assert_eq!(lent(&frame(BINARY, true, &[0; MIN])), None);
    assert_eq!(lent(&header(PING, true, 5)), None);
    assert_eq!(lent(&header(BINARY, true, MIN as u64 - 1)), None);
    assert_eq!(lent(&header(BINARY, true, MIN as u64)), Some(MIN));
    let mut begun = header(TEXT, false, MIN as u64 + 2);
    begun.extend(b"ab");
    assert_eq!(lent(&begun), Some(MIN));
}

/// Data that gets far into the decoder: frames with random flaws, and noise.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop_oneof![
        Just(CONTINUATION),
        Just(TEXT),
        Just(BINARY),
        Just(CLOSE),
        Just(PING),
        0_u8..16
    ];
    let frame = (opcode, any::<bool>(), vec(any::<u8>(), 0..600))
        .prop_map(|(opcode, fin, payload)| frame(opcode, fin, &payload));
    let ascii = (any::<bool>(), any::<bool>(), 0_usize..600).prop_map(|(first, fin, len)| {
        crate::server::frame(
            if first { TEXT } else { CONTINUATION },
            fin,
            &vec![b'x'; len],
        )
    });
    let announced = any::<u64>()
        .prop_flat_map(|len| (Just(len), 0_u32..64))
        .prop_map(|(len, shift)| header(BINARY, false, len >> shift));
    let noise = vec(any::<u8>(), 0..40);
    vec(
        prop_oneof![4 => frame, 4 => ascii, 1 => announced, 1 => noise],
        1..12,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn arbitrary_bytes_neither_panic_nor_fill_the_memory(
        stream in hostile(),
        sizes in vec(1_usize..300, 1..6),
        max_message in 0_usize..5_000,
        max_frame in 0_usize..5_000,
        max_fragments in 0_u32..8,
        max_control_per_second in 0_u32..20,
        direct: bool,
    ) {
        let limits = Limits { max_message, max_frame, max_fragments, max_control_per_second };
        let mut decoder = Decoder::new(limits);
        let outcome = decode(&mut decoder, &stream, &sizes, direct);
        prop_assert!(outcome.peak <= max_message + CONSTANT, "{} held", outcome.peak);
        prop_assert!(outcome.peak <= 2 * outcome.given + AHEAD + CONSTANT);
        for incoming in &outcome.incoming {
            match incoming {
                Incoming::Text(text) => prop_assert!(text.len() <= max_message),
                Incoming::Binary(payload) => prop_assert!(payload.len() <= max_message),
                Incoming::Ping(payload) | Incoming::Pong(payload) => prop_assert!(payload.len() <= 125),
                Incoming::Close(frame) => prop_assert!(frame.reason.len() <= 123),
            }
        }
    }

    #[test]
    fn how_a_stream_is_cut_changes_nothing(
        stream in hostile(),
        sizes in vec(1_usize..300, 1..6),
        direct: bool,
    ) {
        let cut = decode(&mut Decoder::new(limits()), &stream, &sizes, direct);
        let whole = decode_all(&stream);
        prop_assert_eq!(cut.incoming, whole.incoming);
        prop_assert_eq!(cut.violation, whole.violation);
    }
}
