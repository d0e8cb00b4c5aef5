//! Messages that a server has compressed or joined on its own, compared with a reference
//! implementation.
//!
//! The first two bytes choose the decoding and the limit; each message that follows is preceded by
//! its length.

#![no_main]

use everwire_fuzz::{
    decoded,
    inflate::{End, inflate},
    lender::Lender,
};
use everwire_proto::{
    decode::{
        DecodeError, Decoding, MAX_MEMBERS, MAX_STAGES, MessageDecoder, Next, Payload, Separator,
        Stage, ZLIB_WINDOW,
    },
    wire::deflate::{Lend, NoPool},
};
use libfuzzer_sys::{Corpus, fuzz_target};

const SEPARATOR: &str = "\r\n";

/// The output for each message before the first one that cannot be decoded.
type Given = (Vec<Vec<Payload>>, Option<DecodeError>);

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((&[choice, max], rest)) = input.split_first_chunk::<2>() else {
        return Corpus::Reject;
    };
    let max = match max {
        0..=199 => usize::from(max),
        longer => 1 << (longer % 18),
    };
    let split = || Stage::Split(Separator::new(SEPARATOR).unwrap());
    let stages = match choice & 7 {
        0 => vec![Stage::Gzip],
        1 => vec![Stage::Zlib],
        2 => vec![Stage::Deflate],
        3 => vec![Stage::ZlibStream],
        4 => vec![split()],
        5 => vec![Stage::Gzip, split()],
        6 => vec![split(), Stage::Gzip],
        _ => vec![Stage::ZlibStream, split()],
    };
    let messages: Vec<Payload> = messages(rest)
        .into_iter()
        .map(|message| match std::str::from_utf8(message) {
            Ok(text) if choice & 8 != 0 => Payload::Text(text.into()),
            _ => Payload::Binary(message.to_vec().into()),
        })
        .collect();
    let decoding = Decoding::new(stages).unwrap();
    let given = decode(&decoding, max, &messages, &NoPool);
    assert_eq!(given, decode(&decoding, max, &messages, &Lender));
    by_the_book(choice & 7, max, &messages, &given);
    Corpus::Keep
});

fn decode(
    decoding: &Decoding,
    max: usize,
    messages: &[Payload],
    lender: &'static dyn Lend,
) -> Given {
    let mut decoder = MessageDecoder::new(decoding, max, lender);
    let mut all = Vec::new();
    for message in messages {
        decoder.push(message.clone());
        let mut given = Vec::new();
        loop {
            let most = message.len() + 2 * (max + 1) + MAX_STAGES * ZLIB_WINDOW;
            assert!(decoder.held() <= most, "{} bytes are held", decoder.held());
            match decoder.next() {
                Ok(Next::Message(message)) => given.push(message),
                Ok(Next::Again) => {}
                Ok(Next::Nothing) => break,
                Err(error) => {
                    assert!(matches!(error.close_code(), 1007 | 1009));
                    assert_eq!(decoder.held(), 0);
                    return (all, Some(error));
                }
            }
        }
        assert!(!decoder.has_next());
        all.push(given);
    }
    (all, None)
}

fn by_the_book(choice: u8, max: usize, messages: &[Payload], (given, error): &Given) {
    if matches!(choice, 3 | 7) {
        return stream_by_the_book(choice == 7, max, messages, given);
    }
    let mut given = given.iter();
    for message in messages {
        let data = message.as_bytes();
        let expected = match message {
            Payload::Text(_) if choice < 4 => Some(vec![data.to_vec()]),
            Payload::Text(_) => Some(decoded::split(data, SEPARATOR.as_bytes())),
            Payload::Binary(_) => match choice {
                0 => decoded::gzip(data, max, MAX_MEMBERS).map(|one| vec![one]),
                1 => decoded::zlib(data, max).map(|one| vec![one]),
                2 => decoded::deflate(data, max).map(|one| vec![one]),
                4 => Some(decoded::split(data, SEPARATOR.as_bytes())),
                5 => decoded::gzip(data, max, MAX_MEMBERS)
                    .map(|one| decoded::split(&one, SEPARATOR.as_bytes())),
                _ => decoded::split(data, SEPARATOR.as_bytes())
                    .iter()
                    .map(|record| decoded::gzip(record, max, MAX_MEMBERS))
                    .collect(),
            },
        };
        match (given.next(), expected) {
            (Some(given), Some(expected)) => assert_eq!(bytes(given), expected),
            (None, None) => return assert!(error.is_some()),
            (given, expected) => panic!("{given:?} and not {expected:?}: {error:?}"),
        }
    }
    assert_eq!((given.next(), error), (None, &None));
}

/// The output of a stream is a prefix of its whole content.
fn stream_by_the_book(splits: bool, max: usize, messages: &[Payload], given: &[Vec<Payload>]) {
    let (mut stream, mut told) = (Vec::new(), Vec::new());
    for (message, given) in messages.iter().zip(given) {
        match message {
            Payload::Text(text) if splits => {
                let records = decoded::split(text.as_bytes(), SEPARATOR.as_bytes());
                assert_eq!(bytes(given), records);
            }
            Payload::Text(_) => assert_eq!(given, &[message.clone()]),
            Payload::Binary(data) => {
                stream.extend_from_slice(data);
                assert!(splits || given.len() <= 1);
                assert!(given.iter().all(|message| message.len() <= max));
                told.extend(bytes(given).concat());
            }
        }
    }
    if stream.len() < 2 {
        return assert!(told.is_empty());
    }
    if !decoded::is_zlib(&stream[..2]) {
        // If its header came in two pieces, a dictionary is detected only after its id.
        let wants_dictionary = stream[1] & 0x20 != 0 && stream.len() < 6;
        return assert!(wants_dictionary && told.is_empty());
    }
    let most = messages.len() * (max + 1);
    let (output, end) = inflate(&stream[2..], most);
    assert_ne!(end, End::Full);
    let output = match splits {
        // The separators are lost.
        true => return,
        false => output,
    };
    assert!(output.starts_with(&told));
}

fn bytes(given: &[Payload]) -> Vec<Vec<u8>> {
    given
        .iter()
        .map(|message| message.as_bytes().to_vec())
        .collect()
}

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
