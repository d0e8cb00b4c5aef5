//! Messages stay intact: written by our encoder, returned by a server, cut anywhere, read by our
//! decoder.

use bytes::{Bytes, BytesMut};
use everwire_proto::wire::{CloseFrame, Decoder, Incoming, Opcode, encode_close, encode_frame};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::server::*;

/// A message with the positions of its fragments, and the control frames after each fragment.
#[derive(Clone, Debug)]
struct Sent {
    message: Incoming,
    cuts: Vec<Index>,
    controls: Vec<Incoming>,
}

fn message() -> impl Strategy<Value = Incoming> {
    let binary = prop_oneof![40 => vec(any::<u8>(), 0..300), 1 => vec(any::<u8>(), 65_500..66_000)];
    prop_oneof![
        "\\PC{0,120}".prop_map(|text| Incoming::Text(text.into())),
        binary.prop_map(|payload| Incoming::Binary(payload.into())),
    ]
}

fn control() -> impl Strategy<Value = Incoming> {
    (any::<bool>(), vec(any::<u8>(), 0..=125)).prop_map(|(ping, payload)| match ping {
        true => Incoming::Ping(payload.into()),
        false => Incoming::Pong(payload.into()),
    })
}

fn sent() -> impl Strategy<Value = Sent> {
    (message(), vec(any::<Index>(), 0..4), vec(control(), 0..3)).prop_map(
        |(message, cuts, controls)| Sent {
            message,
            cuts,
            controls,
        },
    )
}

fn close() -> impl Strategy<Value = CloseFrame> {
    prop_oneof![
        Just(CloseFrame::default()),
        (3000_u16..5000, "\\PC{0,30}").prop_map(|(code, reason)| CloseFrame::new(code, reason)),
    ]
}

/// Writes messages as a client does, and notes the expected result.
#[derive(Default)]
struct Writer {
    out: BytesMut,
    expected: Vec<Incoming>,
    key: [u8; 4],
}

impl Writer {
    fn frame(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) {
        self.key = self.key.map(|byte| byte.wrapping_mul(5).wrapping_add(13));
        encode_frame(opcode, fin, payload, self.key, &mut self.out);
    }

    fn control(&mut self, control: &Incoming) {
        let (opcode, payload) = match control {
            Incoming::Ping(payload) => (Opcode::Ping, payload),
            Incoming::Pong(payload) => (Opcode::Pong, payload),
            other => panic!("{other:?}"),
        };
        self.frame(opcode, true, payload);
        self.expected.push(control.clone());
    }

    fn message(&mut self, sent: &Sent) {
        let (mut opcode, payload) = match &sent.message {
            Incoming::Text(text) => (Opcode::Text, text.as_bytes()),
            Incoming::Binary(payload) => (Opcode::Binary, payload),
            other => panic!("{other:?}"),
        };
        let mut cuts: Vec<_> = sent
            .cuts
            .iter()
            .map(|cut| cut.index(payload.len() + 1))
            .collect();
        cuts.sort_unstable();
        let mut start = 0;
        for cut in cuts {
            self.frame(opcode, false, &payload[start..cut]);
            sent.controls
                .iter()
                .for_each(|control| self.control(control));
            (opcode, start) = (Opcode::Continuation, cut);
        }
        self.frame(opcode, true, &payload[start..]);
        self.expected.push(sent.message.clone());
    }

    fn close(&mut self, frame: CloseFrame) {
        encode_close(&frame, self.key, &mut self.out);
        self.expected.push(Incoming::Close(frame));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn any_sequence_of_messages_survives_any_cut(
        sent in vec(sent(), 1..6),
        close in proptest::option::of(close()),
        sizes in prop_oneof![vec(1_usize..20, 1..8), vec(1_usize..70_000, 1..8)],
        direct: bool,
    ) {
        let mut writer = Writer::default();
        sent.iter().for_each(|sent| writer.message(sent));
        close.into_iter().for_each(|close| writer.close(close));

        let frames = read_frames(&writer.out);
        let echo = frames.iter().map(|received| frame(received.first & 0x0f, received.first & 0x80 != 0, &received.payload));
        let stream = echo.collect::<Vec<_>>().concat();
        let mut decoder = Decoder::new(limits());
        let outcome = decode(&mut decoder, &stream, &sizes, direct);
        prop_assert_eq!(outcome.violation, None);
        prop_assert_eq!(outcome.incoming, writer.expected);
        prop_assert_eq!(decoder.buffered(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_long_message_survives_being_read_into_the_decoders_own_memory(
        len in 40_000_usize..600_000,
        text: bool,
        fragments in 1_usize..4,
        sizes in vec(1_usize..100_000, 1..8),
        direct: bool,
    ) {
        let payload: Vec<u8> = "a é 日 🦀 ".bytes().cycle().take(len / 14 * 14).collect();
        let mut stream = Vec::new();
        let pieces: Vec<_> = payload.chunks(payload.len().div_ceil(fragments)).collect();
        for (i, piece) in pieces.iter().enumerate() {
            let opcode = match i {
                0 => if text { TEXT } else { BINARY },
                _ => CONTINUATION,
            };
            stream.extend(frame(opcode, i + 1 == pieces.len(), piece));
            stream.extend(frame(PING, true, b"between"));
        }
        let mut decoder = Decoder::new(limits());
        let outcome = decode(&mut decoder, &stream, &sizes, direct);
        prop_assert_eq!(outcome.violation, None);
        let messages: Vec<_> = outcome.incoming.into_iter().filter(|i| !matches!(i, Incoming::Ping(_))).collect();
        let expected = match text {
            true => Incoming::Text(String::from_utf8(payload).unwrap().into()),
            false => Incoming::Binary(Bytes::from(payload)),
        };
        prop_assert!(messages == [expected]);
    }
}
