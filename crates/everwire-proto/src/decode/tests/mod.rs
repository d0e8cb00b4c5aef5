//! Decoding of messages from another implementation, of hostile messages, and of random data.

mod golden;
mod hostile;
mod properties;

use bytes::Bytes;

use self::golden::{STREAM, bytes};
use super::{
    DecodeError, Decoding, Format, InvalidDecoding, MAX_STAGES, MessageDecoder, Next, Payload,
    Separator, Stage, ZLIB_WINDOW,
};
use crate::wire::deflate::NoPool;

const MAX: usize = 1 << 20;

fn decoder(stages: &[Stage]) -> MessageDecoder {
    MessageDecoder::new(&decoding(stages), MAX, &NoPool)
}

fn decoding(stages: &[Stage]) -> Decoding {
    Decoding::new(stages.to_vec()).unwrap()
}

fn split(separator: &str) -> Stage {
    Stage::Split(Separator::new(separator).unwrap())
}

fn text(text: &str) -> Payload {
    Payload::Text(text.into())
}

fn binary(bytes: impl Into<Bytes>) -> Payload {
    Payload::Binary(bytes.into())
}

/// The output for a message.
fn decode(decoder: &mut MessageDecoder, message: Payload) -> Result<Vec<Payload>, DecodeError> {
    decoder.push(message);
    let mut given = Vec::new();
    loop {
        match decoder.next()? {
            Next::Message(message) => given.push(message),
            Next::Again => {}
            Next::Nothing => {
                assert!(!decoder.has_next());
                return Ok(given);
            }
        }
    }
}

/// The output for a single binary message.
fn decode_one(stage: Stage, hex: &str) -> Result<Vec<Payload>, DecodeError> {
    decode(&mut decoder(&[stage]), binary(bytes(hex)))
}

#[test]
fn what_another_implementation_has_compressed_is_read() {
    for (stage, message) in [
        (Stage::Gzip, golden::PING),
        (Stage::Gzip, golden::PING_WITH_FIELDS),
        (Stage::Zlib, golden::PING_ZLIB),
        (Stage::Deflate, golden::PING_DEFLATE),
        (Stage::Deflate, golden::PING_DEFLATE_FLUSHED),
        (Stage::Deflate, golden::PING_STORED),
    ] {
        let given = decode_one(stage.clone(), message);
        assert_eq!(given, Ok(vec![text(golden::SAID)]), "{stage:?} {message}");
    }
}

#[test]
fn members_of_a_gzip_file_are_one_message() {
    let given = decode_one(Stage::Gzip, golden::THREE_MEMBERS);
    assert_eq!(given, Ok(vec![text(r#"{"a":1}"#)]));
}

#[test]
fn what_is_no_utf_8_stays_binary() {
    let given = decode_one(Stage::Gzip, golden::BYTES);
    assert_eq!(given, Ok(vec![binary(&b"\x00\xff\xfe"[..])]));
}

#[test]
fn a_text_message_is_decompressed_by_nothing() {
    for stage in [Stage::Gzip, Stage::Zlib, Stage::Deflate, Stage::ZlibStream] {
        let given = decode(&mut decoder(&[stage]), text("welcome"));
        assert_eq!(given, Ok(vec![text("welcome")]));
    }
}

#[test]
fn an_empty_message_that_was_compressed_is_a_message() {
    let empty = "1f8b080000000000020303000000000000000000";
    assert_eq!(decode_one(Stage::Gzip, empty), Ok(vec![text("")]));
}

#[test]
fn one_stream_runs_through_all_messages() {
    let mut decoder = decoder(&[Stage::ZlibStream]);
    assert_eq!(decoder.held(), 0);
    for (message, said) in [golden::HELLO, golden::READY, golden::AGAIN]
        .into_iter()
        .zip(STREAM)
    {
        let given = decode(&mut decoder, binary(bytes(message)));
        assert_eq!(given, Ok(vec![text(said)]));
        // The data that the next message may refer to.
        assert_eq!(decoder.held(), ZLIB_WINDOW);
    }
}

#[test]
fn a_message_of_a_stream_may_come_in_any_pieces() {
    for size in 1..golden::HELLO.len() / 2 {
        let mut decoder = decoder(&[Stage::ZlibStream]);
        for (message, said) in [golden::HELLO, golden::READY, golden::AGAIN]
            .into_iter()
            .zip(STREAM)
        {
            let message = bytes(message);
            let mut given = Vec::new();
            for piece in message.chunks(size) {
                assert_eq!(given, [], "nothing is given before the flush");
                given = decode(&mut decoder, binary(piece.to_vec())).unwrap();
            }
            assert_eq!(given, [text(said)], "in pieces of {size}");
        }
    }
}

#[test]
fn a_flush_without_a_message_gives_none() {
    let mut decoder = decoder(&[Stage::ZlibStream]);
    assert!(decode(&mut decoder, binary(bytes(golden::HELLO))).is_ok());
    let flush = [0, 0, 0, 0xff, 0xff];
    assert_eq!(decode(&mut decoder, binary(flush.to_vec())), Ok(vec![]));
    assert_eq!(decode(&mut decoder, binary(vec![])), Ok(vec![]));
}

#[test]
fn a_stream_that_ends_takes_no_more() {
    let mut decoder = decoder(&[Stage::ZlibStream]);
    for message in [golden::HELLO, golden::READY, golden::AGAIN] {
        assert!(decode(&mut decoder, binary(bytes(message))).is_ok());
    }
    let goodbye = decode(&mut decoder, binary(bytes(golden::GOODBYE)));
    assert_eq!(goodbye, Ok(vec![]));
    let late = decode(&mut decoder, binary(bytes(golden::AGAIN)));
    let len = golden::AGAIN.len() / 2;
    assert_eq!(late, Err(DecodeError::StreamEnded { len }));
}

#[test]
fn each_socket_has_a_stream_of_its_own() {
    let decoding = decoding(&[Stage::ZlibStream]);
    let fresh = || MessageDecoder::new(&decoding, MAX, &NoPool);
    let mut first = fresh();
    assert!(decode(&mut first, binary(bytes(golden::HELLO))).is_ok());
    let ready = decode(&mut first, binary(bytes(golden::READY)));
    assert_eq!(ready, Ok(vec![text(STREAM[1])]));
    // Messages that refer to those of the first socket are invalid on another one.
    assert!(decode(&mut fresh(), binary(bytes(golden::READY))).is_err());
    let hello = decode(&mut fresh(), binary(bytes(golden::HELLO)));
    assert_eq!(hello, Ok(vec![text(STREAM[0])]));
}

#[test]
fn records_are_messages_and_empty_ones_are_none() {
    for (separator, message, records) in [
        ("\u{1e}", "{}\u{1e}", vec!["{}"]),
        (
            "\u{1e}",
            "{\"type\":6}\u{1e}{\"type\":1}\u{1e}",
            vec!["{\"type\":6}", "{\"type\":1}"],
        ),
        ("\n", "\n\na\n\n\nb", vec!["a", "b"]),
        ("\r\n", "a\rb\r\nc\nd\r\n", vec!["a\rb", "c\nd"]),
        ("\n", "", vec![]),
        ("\n", "\n\n\n", vec![]),
        ("ä", "xäyäz€", vec!["x", "y", "z€"]),
        ("aa", "aaaa a", vec![" a"]),
    ] {
        let mut decoder = decoder(&[split(separator)]);
        let texts: Vec<_> = records.iter().map(|record| text(record)).collect();
        assert_eq!(
            decode(&mut decoder, text(message)),
            Ok(texts),
            "{message:?}"
        );
        let bytes: Vec<_> = records
            .iter()
            .map(|record| binary(record.as_bytes().to_vec()))
            .collect();
        let given = decode(&mut decoder, binary(message.as_bytes().to_vec()));
        assert_eq!(given, Ok(bytes), "{message:?}");
        assert_eq!(decoder.held(), 0);
    }
}

#[test]
fn a_list_is_gone_through_in_its_order() {
    let mut decoder = decoder(&[Stage::Gzip, split(":"), split("{")]);
    let given = decode(&mut decoder, binary(bytes(golden::PING)));
    assert_eq!(given, Ok(vec![text("\"ping\""), text("1492420473027}")]));
    // Records that are compressed one by one, with a text before each.
    let mut decoder = self::decoder(&[split("--"), Stage::Gzip, split("o")]);
    let mut message = bytes(golden::PING);
    message.extend(b"--");
    message.extend(bytes(golden::THREE_MEMBERS));
    let given = decode(&mut decoder, binary(message));
    assert_eq!(given, Ok(vec![text(golden::SAID), text("{\"a\":1}")]));
}

#[test]
fn what_waits_is_counted_until_it_was_given() {
    let mut decoder = decoder(&[split(",")]);
    decoder.push(text("a,b,c"));
    assert_eq!(decoder.held(), 5);
    for record in ["a", "b", "c"] {
        assert!(decoder.has_next());
        assert_eq!(decoder.next(), Ok(Next::Message(text(record))));
    }
    assert_eq!((decoder.held(), decoder.has_next()), (0, false));
    assert_eq!(decoder.next(), Ok(Next::Nothing));
}

#[test]
fn a_record_keeps_no_long_message_alive() {
    let long = "x".repeat(99_999);
    let mut decoder = decoder(&[split(",")]);
    let message = Bytes::from(format!("short,{long}"));
    decoder.push(binary(message.clone()));
    let Ok(Next::Message(Payload::Binary(short))) = decoder.next() else {
        panic!("a record is missing");
    };
    let Ok(Next::Message(Payload::Binary(rest))) = decoder.next() else {
        panic!("a record is missing");
    };
    let within = |part: &Bytes| message.as_ptr_range().contains(&part.as_ptr());
    assert!(!within(&short));
    assert!(within(&rest), "of what it is the most of, no copy is made");
}

#[test]
fn a_list_has_one_stage_at_least_and_one_stream_at_most() {
    assert_eq!(Decoding::new(vec![]), Err(InvalidDecoding::Empty));
    let stages = vec![Stage::Gzip; MAX_STAGES + 1];
    let len = stages.len();
    assert_eq!(Decoding::new(stages), Err(InvalidDecoding::TooLong { len }));
    assert_eq!(
        Decoding::new(vec![Stage::ZlibStream, split("x"), Stage::ZlibStream]),
        Err(InvalidDecoding::TwoStreams)
    );
    assert_eq!(Separator::new(""), Err(InvalidDecoding::EmptySeparator));
    assert_eq!(
        Separator::new("x".repeat(65)),
        Err(InvalidDecoding::LongSeparator { len: 65 })
    );
}

#[test]
fn each_format_is_told_by_its_word() {
    let words = [Stage::Gzip, Stage::Zlib, Stage::Deflate, Stage::ZlibStream]
        .map(|stage| stage.format().map(Format::as_str));
    assert_eq!(
        words,
        [
            Some("gzip"),
            Some("zlib"),
            Some("deflate"),
            Some("zlib-stream")
        ]
    );
    assert_eq!(split("x").format(), None);
}
