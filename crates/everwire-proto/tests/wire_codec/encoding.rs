//! A server's view of our frames.

use bytes::BytesMut;
use everwire_proto::wire::{
    CloseFrame, MAX_HEADER, Opcode, encode_close, encode_frame, encode_header, mask_into,
};
use proptest::prelude::*;

use crate::server::{Received, read_frames};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn close(frame: &CloseFrame) -> Received {
    let mut out = BytesMut::new();
    encode_close(frame, KEY, &mut out);
    let [frame] = read_frames(&out).try_into().unwrap();
    frame
}

#[test]
fn the_masked_hello_of_the_rfc_is_written_as_there() {
    let mut out = BytesMut::new();
    encode_frame(Opcode::Text, true, b"Hello", KEY, &mut out);
    assert_eq!(
        out[..],
        [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
        ]
    );
}

#[test]
fn each_opcode_and_each_form_of_the_length_is_read_back() {
    let data = [Opcode::Continuation, Opcode::Text, Opcode::Binary];
    let control = [Opcode::Close, Opcode::Ping, Opcode::Pong];
    for opcode in data.into_iter().chain(control) {
        for len in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
            for fin in [true, false] {
                if opcode.is_control() && (len > 125 || !fin) {
                    continue;
                }
                let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
                let mut out = BytesMut::new();
                encode_frame(opcode, fin, &payload, KEY, &mut out);
                assert!(out.len() <= MAX_HEADER + len);
                let first = u8::from(fin) << 7 | opcode.bits();
                assert_eq!(
                    read_frames(&out),
                    [Received {
                        first,
                        key: KEY,
                        payload
                    }]
                );
                assert_eq!(Opcode::from_bits(opcode.bits()), Some(opcode));
            }
        }
    }
}

#[test]
fn a_close_frame_carries_its_code_and_reason() {
    let payload = close(&CloseFrame::new(4001, "bye")).payload;
    assert_eq!(payload, b"\x0f\xa1bye");
    assert_eq!(close(&CloseFrame::default()).payload, b"");
}

#[test]
fn a_long_reason_is_cut_at_a_characters_boundary() {
    for (reason, kept) in [
        ("x".repeat(123), 123),
        ("x".repeat(124), 123),
        ("é".repeat(62), 122),
        (format!("x{}", "é".repeat(80)), 123),
        ("日".repeat(50), 123),
        ("🦀".repeat(40), 120),
    ] {
        let payload = close(&CloseFrame::new(1000, reason.as_str())).payload;
        assert_eq!(payload[2..], reason.as_bytes()[..kept], "{reason}");
    }
}

#[test]
fn a_code_that_must_not_stand_on_the_wire_is_left_out_with_its_reason() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        assert_eq!(close(&CloseFrame::new(code, "why")).payload, b"", "{code}");
    }
    let without_code = CloseFrame {
        code: None,
        reason: "why".into(),
    };
    assert_eq!(close(&without_code).payload, b"");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_payload_written_in_pieces_is_the_frame_written_at_once(
        payload in proptest::collection::vec(any::<u8>(), 0..10_000),
        cuts in proptest::collection::vec(1_usize..5_000, 1..20),
        key: [u8; 4],
    ) {
        let mut whole = BytesMut::new();
        encode_frame(Opcode::Binary, true, &payload, key, &mut whole);
        let mut pieces = BytesMut::new();
        encode_header(Opcode::Binary, true, payload.len(), key, &mut pieces);
        let mut offset = 0;
        for cut in cuts.iter().cycle() {
            let end = payload.len().min(offset + cut);
            mask_into(&payload[offset..end], key, offset, &mut pieces);
            offset = end;
            if offset == payload.len() {
                break;
            }
        }
        prop_assert_eq!(&whole, &pieces);
        prop_assert_eq!(&read_frames(&whole)[0].payload, &payload);
    }
}
