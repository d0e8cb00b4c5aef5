//! Every violation: the bytes that cause it, the byte that proves it, and its close code.

use std::time::{Duration, Instant};

use bytes::Bytes;
use everwire_proto::wire::{Decoder, Incoming, Limits, Opcode, Violation, is_sendable};

use crate::server::*;

const TIB: u64 = 1 << 40;
const MIB: usize = 1 << 20;

fn join(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

/// The violation, the number of bytes that prove it, the stream, and the code.
fn table() -> Vec<(Violation, usize, Vec<u8>, u16)> {
    let start = || frame(TEXT, false, b"ab");
    let close =
        |code: u16, reason: &[u8]| frame(CLOSE, true, &[&code.to_be_bytes()[..], reason].concat());
    let mut table = vec![
        (
            Violation::ReservedBits(0b100),
            1,
            frame(0x41, true, b"x"),
            1002,
        ),
        (
            Violation::ReservedBits(0b010),
            1,
            frame(0x22, true, b"x"),
            1002,
        ),
        (
            Violation::ReservedBits(0b001),
            1,
            frame(0x19, true, b"x"),
            1002,
        ),
        (
            Violation::ReservedBits(0b111),
            1,
            frame(0x78, true, b"x"),
            1002,
        ),
        (Violation::Masked, 2, b"\x81\x81\0\0\0\0x".to_vec(), 1002),
        (Violation::Masked, 2, b"\x89\xfe".to_vec(), 1002),
        (
            Violation::LengthNotMinimal(125),
            4,
            b"\x82\x7e\0\x7d".to_vec(),
            1002,
        ),
        (
            Violation::LengthNotMinimal(0),
            4,
            b"\x81\x7e\0\0".to_vec(),
            1002,
        ),
        (
            Violation::LengthNotMinimal(0xffff),
            10,
            b"\x82\x7f\0\0\0\0\0\0\xff\xff".to_vec(),
            1002,
        ),
        (
            Violation::LengthTopBit(1 << 63),
            10,
            b"\x82\x7f\x80\0\0\0\0\0\0\0".to_vec(),
            1002,
        ),
        (
            Violation::ContinuationWithoutStart,
            2,
            frame(CONTINUATION, true, b"x"),
            1002,
        ),
        (
            Violation::ContinuationWithoutStart,
            5,
            join(&[frame(TEXT, true, b"a"), frame(CONTINUATION, false, b"x")]),
            1002,
        ),
        (
            Violation::MessageUnfinished(Opcode::Text),
            6,
            join(&[start(), frame(TEXT, true, b"x")]),
            1002,
        ),
        (
            Violation::MessageUnfinished(Opcode::Binary),
            8,
            join(&[start(), frame(PING, true, b""), frame(BINARY, false, b"x")]),
            1002,
        ),
        (
            Violation::CloseTruncated,
            3,
            frame(CLOSE, true, b"\x03"),
            1002,
        ),
        (Violation::CloseReasonNotUtf8, 5, close(1000, b"\xff"), 1007),
        (
            Violation::CloseReasonNotUtf8,
            6,
            close(1000, "é".as_bytes())[..5]
                .iter()
                .copied()
                .chain(*b"a")
                .collect(),
            1007,
        ),
        (
            Violation::TextNotUtf8 { offset: 1 },
            4,
            frame(TEXT, true, b"a\xffbc"),
            1007,
        ),
        (
            Violation::TextNotUtf8 { offset: 0 },
            4,
            frame(TEXT, true, "é".as_bytes())
                .iter()
                .take(3)
                .copied()
                .chain([b'a'])
                .collect(),
            1007,
        ),
        (
            Violation::TextNotUtf8 { offset: 2 },
            7,
            join(&[start(), frame(CONTINUATION, false, b"\xc0")]),
            1007,
        ),
        (
            Violation::TextNotUtf8 { offset: 1 },
            4,
            frame(TEXT, true, b"a\xc3"),
            1007,
        ),
        (
            Violation::TextNotUtf8 { offset: 0 },
            6,
            join(&[
                frame(TEXT, false, b"\xe2\x82"),
                frame(CONTINUATION, true, b""),
            ]),
            1007,
        ),
        (
            Violation::FrameTooBig {
                len: TIB,
                limit: 16 * MIB,
            },
            10,
            header(BINARY, true, TIB),
            1009,
        ),
        (
            Violation::FrameTooBig {
                len: u64::MAX >> 1,
                limit: 16 * MIB,
            },
            10,
            header(TEXT, false, u64::MAX >> 1),
            1009,
        ),
    ];
    for bits in [0x3, 0x7, 0xb, 0xf] {
        table.push((
            Violation::ReservedOpcode(bits),
            1,
            frame(bits, true, b""),
            1002,
        ));
    }
    for (bits, opcode) in [
        (CLOSE, Opcode::Close),
        (PING, Opcode::Ping),
        (PONG, Opcode::Pong),
    ] {
        table.push((
            Violation::ControlFragmented(opcode),
            1,
            frame(bits, false, b""),
            1002,
        ));
        table.push((
            Violation::ControlTooLong(opcode),
            2,
            frame(bits, true, &[0; 126]),
            1002,
        ));
        table.push((
            Violation::ControlTooLong(opcode),
            2,
            frame(bits, true, &[0; 65_536]),
            1002,
        ));
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        table.push((Violation::CloseCode(code), 4, close(code, b""), 1002));
    }
    table
}

#[test]
fn each_violation_is_told_with_its_close_code() {
    for (violation, _, stream, code) in table() {
        let outcome = decode_all(&stream);
        assert_eq!(
            outcome.violation.as_ref(),
            Some(&violation),
            "{stream:02x?}"
        );
        assert_eq!(violation.close_code(), code, "{violation}");
        assert!(is_sendable(code));
    }
}

#[test]
fn each_violation_is_found_with_the_first_byte_that_proves_it() {
    for (violation, proof, stream, _) in table() {
        let outcome = decode_bytewise(&stream);
        assert_eq!(
            outcome.violation.as_ref(),
            Some(&violation),
            "{stream:02x?}"
        );
        assert_eq!(outcome.given, proof, "{violation}: {stream:02x?}");
    }
}

#[test]
fn each_violation_is_told_wherever_the_reads_end() {
    for (violation, _, stream, _) in table() {
        for size in 2..10 {
            let outcome = decode(&mut Decoder::new(limits()), &stream, &[size], true);
            assert_eq!(
                outcome.violation.as_ref(),
                Some(&violation),
                "{stream:02x?}"
            );
        }
    }
}

#[test]
fn violations_read_as_one_lowercase_line() {
    for (violation, ..) in table() {
        let text = violation.to_string();
        assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
        assert!(!text.starts_with(char::is_uppercase), "{text}");
    }
}

#[test]
fn nothing_is_decoded_after_a_violation_and_nothing_is_held() {
    for (_, _, stream, _) in table() {
        let mut decoder = Decoder::new(limits());
        assert!(
            decode(&mut decoder, &stream, &[1], false)
                .violation
                .is_some()
        );
        assert_eq!(decoder.buffered(), 0);
        let after = decode(&mut decoder, &frame(TEXT, true, b"after"), &[], false);
        assert_eq!((after.incoming, after.violation), (vec![], None));
    }
}

#[test]
fn nothing_is_decoded_after_a_close_frame() {
    let stream = join(&[
        frame(TEXT, false, b"half"),
        frame(CLOSE, true, b""),
        b"\xff\xff".to_vec(),
    ]);
    for sizes in [&[][..], &[1]] {
        let mut decoder = Decoder::new(limits());
        let outcome = decode(&mut decoder, &stream, sizes, false);
        assert_eq!(outcome.incoming, [Incoming::Close(Default::default())]);
        assert_eq!((outcome.violation, decoder.buffered()), (None, 0));
    }
}

#[test]
fn every_code_that_may_stand_on_the_wire_is_accepted_and_no_other() {
    for code in 0..=u16::MAX {
        let outcome = decode_all(&frame(CLOSE, true, &code.to_be_bytes()));
        let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        assert_eq!(outcome.violation.is_none(), allowed, "{code}");
        if let [Incoming::Close(frame)] = &outcome.incoming[..] {
            assert_eq!(frame.code, Some(code));
        }
    }
}

#[test]
fn a_message_is_held_to_its_limit_over_all_fragments_on_the_header_that_breaks_it() {
    let mut decoder = Decoder::new(Limits {
        max_message: 10,
        max_frame: 8,
        ..limits()
    });
    let stream = join(&[
        frame(BINARY, true, &[0; 8]),
        frame(BINARY, false, &[0; 8]),
        frame(CONTINUATION, false, &[0; 2]),
        frame(CONTINUATION, true, &[]),
        frame(BINARY, false, &[0; 8]),
        header(CONTINUATION, true, 3),
    ]);
    let outcome = decode(&mut decoder, &stream, &[1], false);
    let sizes = outcome.incoming.iter().map(|incoming| match incoming {
        Incoming::Binary(payload) => payload.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [8, 10]);
    let violation = Violation::MessageTooBig { len: 11, limit: 10 };
    assert_eq!(
        (outcome.violation.clone(), outcome.given),
        (Some(violation), stream.len())
    );
    assert_eq!(outcome.violation.unwrap().close_code(), 1009);

    let mut decoder = Decoder::new(Limits {
        max_frame: 8,
        ..limits()
    });
    let outcome = decode(&mut decoder, &frame(TEXT, true, b"123456789"), &[], false);
    assert_eq!(
        outcome.violation,
        Some(Violation::FrameTooBig { len: 9, limit: 8 })
    );
}

#[test]
fn empty_fragments_count_against_the_limit_too() {
    let limits = Limits {
        max_fragments: 4,
        ..limits()
    };
    let four = [
        vec![frame(TEXT, false, b"")],
        vec![frame(CONTINUATION, false, b""); 2],
        vec![frame(CONTINUATION, true, b"")],
    ]
    .concat();
    let outcome = decode(
        &mut Decoder::new(limits),
        &[join(&four), join(&four)].concat(),
        &[],
        false,
    );
    assert_eq!(outcome.incoming, vec![Incoming::Text("".into()); 2]);
    assert_eq!(outcome.violation, None);

    let five = [
        vec![frame(TEXT, false, b"")],
        vec![frame(CONTINUATION, false, b""); 4],
    ]
    .concat();
    let outcome = decode(&mut Decoder::new(limits), &join(&five), &[], false);
    let violation = outcome.violation.unwrap();
    assert_eq!(violation, Violation::TooManyFragments { limit: 4 });
    assert_eq!(violation.close_code(), 1008);
}

#[test]
fn a_flood_of_control_frames_is_cut_off_and_a_steady_rate_is_not() {
    let limits = Limits {
        max_control_per_second: 10,
        ..Limits::default()
    };
    let start = Instant::now();
    let ping = Bytes::from(frame(PING, true, b"p"));
    let pong = Bytes::from(frame(PONG, true, b""));

    let mut decoder = Decoder::new(limits);
    for i in 0..1_000 {
        let now = start + Duration::from_millis(100 * i);
        let incoming = decoder.decode(&mut [&ping, &pong][i as usize % 2].clone(), now);
        assert!(matches!(incoming, Ok(Some(_))), "{i}: {incoming:?}");
    }

    let mut decoder = Decoder::new(limits);
    let accepted = (0..1_000).take_while(|_| decoder.decode(&mut ping.clone(), start).is_ok());
    assert_eq!(accepted.count(), 10);
    let mut decoder = Decoder::new(limits);
    let results = (0..11).map(|_| decoder.decode(&mut pong.clone(), start));
    let violation = results.last().unwrap().unwrap_err();
    assert_eq!(violation, Violation::ControlFlood { limit: 10 });
    assert_eq!(violation.close_code(), 1008);
}

#[test]
fn data_frames_and_the_close_frame_do_not_count_as_control_frames() {
    let mut decoder = Decoder::new(Limits {
        max_control_per_second: 0,
        ..Limits::default()
    });
    let stream = join(&[
        frame(TEXT, true, b"a"),
        frame(BINARY, true, b"b"),
        frame(CLOSE, true, b""),
    ]);
    let outcome = decode(&mut decoder, &stream, &[], false);
    assert_eq!((outcome.incoming.len(), outcome.violation), (3, None));
}
