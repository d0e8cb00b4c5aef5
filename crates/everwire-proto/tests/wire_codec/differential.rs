//! The same streams, read by `tungstenite`.
//!
//! Both must deliver the same messages and refuse the same streams. Intended differences, each of which is listed in
//! [`Verdict`] or [`Difference`]:
//!
//! * We refuse a length that is not in its shortest form (RFC 6455 §5.2 says "MUST"); `tungstenite` takes it.
//! * We refuse a close code that must not stand on the wire; `tungstenite` replaces it by 1002 and carries on.
//! * We accept 1014, which IANA registered after RFC 6455; `tungstenite` does not know it.
//! * We judge a frame by its header and a text as it arrives; `tungstenite` waits for the frame's end.
//! * `tungstenite` judges a frame's length before its flags, so that where both are wrong the reasons differ.

use std::io::{self, Read, Write};

use everwire_proto::wire::{Decoder, Incoming, Limits, Violation};
use proptest::{collection::vec, prelude::*, sample::Index};
use tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{Role, WebSocket, WebSocketConfig},
};

use crate::server::*;

const MAX_FRAME: usize = 400;
const MAX_MESSAGE: usize = 900;

/// A codec's verdict about a stream, after it has delivered all messages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// It wants more bytes.
    More,
    /// It saw a Close frame.
    Closed,
    /// 1002.
    Protocol,
    /// 1007.
    Utf8,
    /// 1009.
    TooBig,
}

/// Intended differences: we are stricter, or know newer rules.
#[derive(Debug, PartialEq)]
enum Difference {
    Length,
    CloseCode,
    Code1014,
}

/// A stream with fixed content; writes to it are ignored.
struct Written<'a>(&'a [u8]);

impl Read for Written<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Written<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(stream: &[u8]) -> (Vec<Message>, Verdict) {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(MAX_FRAME))
        .max_message_size(Some(MAX_MESSAGE));
    let mut socket = WebSocket::from_raw_socket(Written(stream), Role::Client, Some(config));
    let mut messages = Vec::new();
    let verdict = loop {
        match socket.read() {
            Ok(message @ Message::Close(_)) => {
                messages.push(message);
                break Verdict::Closed;
            }
            Ok(message) => messages.push(message),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                break Verdict::More;
            }
            Err(Error::Protocol(_)) => break Verdict::Protocol,
            Err(Error::Utf8(_)) => break Verdict::Utf8,
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => break Verdict::TooBig,
            Err(error) => panic!("{error:?}"),
        }
    };
    (messages, verdict)
}

fn ours(stream: &[u8]) -> (Vec<Message>, Verdict, Option<Violation>) {
    let mut decoder = Decoder::new(Limits {
        max_frame: MAX_FRAME,
        max_message: MAX_MESSAGE,
        ..limits()
    });
    let outcome = decode(&mut decoder, stream, &[], false);
    let closed = matches!(outcome.incoming.last(), Some(Incoming::Close(_)));
    let verdict = match &outcome.violation {
        None if closed => Verdict::Closed,
        None => Verdict::More,
        Some(violation) => match violation.close_code() {
            1002 => Verdict::Protocol,
            1007 => Verdict::Utf8,
            1009 => Verdict::TooBig,
            code => panic!("{code}: {violation}"),
        },
    };
    let messages = outcome.incoming.into_iter().map(translate).collect();
    (messages, verdict, outcome.violation)
}

fn translate(incoming: Incoming) -> Message {
    match incoming {
        Incoming::Text(text) => Message::text(&*text),
        Incoming::Binary(payload) => Message::Binary(payload),
        Incoming::Ping(payload) => Message::Ping(payload),
        Incoming::Pong(payload) => Message::Pong(payload),
        Incoming::Close(frame) => {
            Message::Close(frame.code.map(|code| tungstenite::protocol::CloseFrame {
                code: code.into(),
                reason: (&*frame.reason).into(),
            }))
        }
    }
}

/// Whether the stream may contain a control frame whose short length is written in 16 or 64 bits.
fn has_long_form(stream: &[u8]) -> bool {
    (0..stream.len()).any(|at| {
        matches!(&stream[at..],
            [first, 126, 0, len, ..] | [first, 127, 0, 0, 0, 0, 0, 0, 0, len, ..]
                if first & 0x0f >= CLOSE && *len <= 125)
    })
}

/// Compares both verdicts. Returns the intended difference, if there is one.
fn compare(stream: &[u8]) -> Option<Difference> {
    let (our_messages, our_verdict, violation) = ours(stream);
    // They judge only whole frames, so they get padding that completes any frame that we refused
    // early.
    let padded = [stream, &[0; 2 * MAX_FRAME]].concat();
    let shown = match violation {
        Some(_) => &padded,
        None => stream,
    };
    let (mut their_messages, their_verdict) = theirs(shown);
    match violation {
        Some(Violation::LengthNotMinimal(_)) => {
            assert!(their_messages.starts_with(&our_messages), "{stream:02x?}");
            return Some(Difference::Length);
        }
        // They accepted a long form of a short length, and then judged the content.
        Some(Violation::ControlTooLong(_))
            if their_messages.len() > our_messages.len() || their_verdict == Verdict::Utf8 =>
        {
            assert!(their_messages.starts_with(&our_messages), "{stream:02x?}");
            assert!(has_long_form(shown), "{stream:02x?}");
            return Some(Difference::Length);
        }
        Some(Violation::CloseCode(_)) => {
            // They may report a reason that is not UTF-8 first.
            if their_verdict == Verdict::Closed {
                let close = their_messages.pop();
                let replaced = |close: &Message| matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1002);
                assert!(close.as_ref().is_some_and(replaced), "{stream:02x?}");
            } else {
                assert_eq!(their_verdict, Verdict::Utf8, "{stream:02x?}");
            }
            assert_eq!(our_messages, their_messages, "{stream:02x?}");
            return Some(Difference::CloseCode);
        }
        _ => {}
    }
    if let Some(Message::Close(Some(frame))) = our_messages.last()
        && u16::from(frame.code) == 1014
    {
        return Some(Difference::Code1014);
    }
    assert_eq!(our_messages, their_messages, "{stream:02x?}");
    let both_wrong = our_verdict == Verdict::Protocol && their_verdict == Verdict::TooBig;
    assert!(
        both_wrong || our_verdict == their_verdict,
        "{violation:?} {their_verdict:?} {stream:02x?}"
    );
    None
}

/// A message in some fragments, with a Ping after each.
fn fragmented() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        "\\PC{0,60}".prop_map(|text| (TEXT, text.into_bytes())),
        vec(any::<u8>(), 0..300).prop_map(|payload| (BINARY, payload))
    ];
    (payload, 1_usize..400, any::<bool>()).prop_map(|((opcode, payload), size, ping)| {
        let mut stream = Vec::new();
        let pieces: Vec<_> = payload.chunks(size).collect();
        for (i, piece) in pieces.iter().enumerate() {
            let opcode = if i == 0 { opcode } else { CONTINUATION };
            stream.extend(frame(opcode, i + 1 == pieces.len(), piece));
            if ping {
                stream.extend(frame(PING, true, b"?"));
            }
        }
        stream
    })
}

fn valid() -> impl Strategy<Value = Vec<u8>> {
    const CODES: &[u16] = &[1000, 1001, 1003, 1007, 1011, 1013, 3000, 4999];
    let close =
        proptest::sample::select(CODES).prop_map(|code| frame(CLOSE, true, &code.to_be_bytes()));
    let end = prop_oneof![3 => Just(Vec::new()), 1 => close, 1 => Just(frame(CLOSE, true, b""))];
    (vec(fragmented(), 1..5), end).prop_map(|(messages, end)| [messages.concat(), end].concat())
}

/// A flaw: at some byte, another value, a missing byte, or a byte too many.
#[derive(Clone, Debug)]
enum Flaw {
    Replaced(Index, u8),
    Flipped(Index, u8),
    Missing(Index),
    Inserted(Index, u8),
    Cut(Index),
}

fn flaw() -> impl Strategy<Value = Flaw> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Flaw::Replaced(at, byte)),
        (any::<Index>(), 0_u8..8).prop_map(|(at, bit)| Flaw::Flipped(at, bit)),
        any::<Index>().prop_map(Flaw::Missing),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Flaw::Inserted(at, byte)),
        any::<Index>().prop_map(Flaw::Cut),
    ]
}

fn spoil(stream: &mut Vec<u8>, flaw: Flaw) {
    if stream.is_empty() {
        return;
    }
    match flaw {
        Flaw::Replaced(at, byte) => *at.get_mut(stream) = byte,
        Flaw::Flipped(at, bit) => *at.get_mut(stream) ^= 1 << bit,
        Flaw::Missing(at) => drop(stream.remove(at.index(stream.len()))),
        Flaw::Inserted(at, byte) => stream.insert(at.index(stream.len()), byte),
        Flaw::Cut(at) => stream.truncate(at.index(stream.len())),
    }
}

/// A frame with random header bits.
fn odd() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![0_u8..20, 124_u8..=127, any::<u8>()];
    (any::<u8>(), len, vec(any::<u8>(), 0..140)).prop_map(|(first, second, mut rest)| {
        rest.splice(0..0, [first, second]);
        rest
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    #[test]
    fn both_read_the_same_messages_from_a_valid_stream(stream in valid()) {
        prop_assert_eq!(compare(&stream), None);
        let verdict = ours(&stream).1;
        prop_assert!(matches!(verdict, Verdict::More | Verdict::Closed), "{verdict:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32_768))]

    #[test]
    fn both_judge_a_spoilt_stream_alike(mut stream in valid(), flaws in vec(flaw(), 1..4)) {
        flaws.into_iter().for_each(|flaw| spoil(&mut stream, flaw));
        compare(&stream);
    }

    #[test]
    fn both_judge_an_odd_frame_alike(before in valid(), odd in odd()) {
        compare(&[before, odd.clone()].concat());
        compare(&odd);
    }
}

#[test]
fn each_intended_difference_exists() {
    let cases = [
        (b"\x82\x7e\0\x01x".to_vec(), Difference::Length),
        (b"\x89\x7e\0\x01x".to_vec(), Difference::Length),
        (b"\x88\x7e\0\x03\x03\xe8\xff".to_vec(), Difference::Length),
        // Refused at its second byte, before its length.
        (b"\x88\x7f".to_vec(), Difference::Length),
        (
            frame(CLOSE, true, &1005_u16.to_be_bytes()),
            Difference::CloseCode,
        ),
        (
            frame(CLOSE, true, &1014_u16.to_be_bytes()),
            Difference::Code1014,
        ),
    ];
    for (stream, difference) in cases {
        assert_eq!(compare(&stream), Some(difference), "{stream:02x?}");
    }
}

#[test]
fn a_bad_text_is_refused_before_tungstenite_sees_the_end_of_its_frame() {
    let mut stream = header(TEXT, true, 300);
    stream.extend(b"abc\xff");
    assert_eq!(ours(&stream).1, Verdict::Utf8);
    assert_eq!(theirs(&stream).1, Verdict::More);
}
