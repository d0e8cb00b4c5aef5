//! Invalid and hostile messages.

use flate2::{Compress, Compression, FlushCompress};

use super::{
    super::{MAX_MEMBERS, output::Output},
    *,
};
use crate::wire::code;

fn errs(stage: Stage, message: Vec<u8>) -> DecodeError {
    decode(&mut decoder(&[stage]), binary(message)).unwrap_err()
}

/// DEFLATE data without a final block, for this many MiB of zeros.
fn zeros(mib: usize) -> Vec<u8> {
    let mut state = Compress::new(Compression::best(), false);
    let mut piece = Vec::with_capacity(64 << 10);
    let status = state.compress_vec(&vec![0; 1 << 20], &mut piece, FlushCompress::Full);
    assert!(status.is_ok() && piece.len() < 8 << 10, "{}", piece.len());
    piece.repeat(mib)
}

fn gzip_of_zeros(mib: usize) -> Vec<u8> {
    let mut message = bytes("1f8b08000000000002ff");
    message.extend(zeros(mib));
    message
}

#[test]
fn what_is_something_else_is_told_so() {
    use Format::{Gzip, Zlib};
    for (stage, format, message) in [
        (Stage::Gzip, Gzip, b"{\"ping\":1}".to_vec()),
        (Stage::Gzip, Gzip, Vec::new()),
        (Stage::Gzip, Gzip, bytes(golden::PING_ZLIB)),
        // DEFLATE is the only known method.
        (Stage::Gzip, Gzip, bytes("1f8b0700000000000203")),
        (Stage::Zlib, Zlib, bytes(golden::PING)),
        (Stage::Zlib, Zlib, b"x".to_vec()[..0].to_vec()),
        (Stage::Zlib, Zlib, b"xx".to_vec()),
        // A window of more than 32 KiB, and a missing dictionary.
        (Stage::Zlib, Zlib, bytes("880f0300")),
        (Stage::Zlib, Zlib, bytes("78bb00000001")),
        (Stage::ZlibStream, Format::ZlibStream, b"{}".to_vec()),
    ] {
        let len = message.len();
        let error = errs(stage, message.clone());
        assert_eq!(error, DecodeError::Foreign { format, len }, "{message:x?}");
        assert_eq!(error.close_code(), code::INVALID_DATA);
    }
}

#[test]
fn each_cut_of_a_message_is_told() {
    for (stage, format, message) in [
        (Stage::Gzip, Format::Gzip, golden::PING),
        (Stage::Gzip, Format::Gzip, golden::PING_WITH_FIELDS),
        (Stage::Zlib, Format::Zlib, golden::PING_ZLIB),
        (Stage::Deflate, Format::Deflate, golden::PING_DEFLATE),
        (Stage::Deflate, Format::Deflate, golden::PING_STORED),
    ] {
        let whole = bytes(message);
        for len in 1..whole.len() {
            let error = errs(stage.clone(), whole[..len].to_vec());
            assert_eq!(error, DecodeError::Truncated { format, len });
        }
    }
}

#[test]
fn bytes_of_a_flush_within_a_block_end_no_message() {
    // A stored block of eight bytes, with only five of them.
    let message = bytes("000800f7ff610000ffff");
    let (format, len) = (Format::Deflate, message.len());
    assert_eq!(
        errs(Stage::Deflate, message),
        DecodeError::Truncated { format, len }
    );
}

#[test]
fn what_stands_behind_the_data_is_told() {
    for (stage, format, message) in [
        (Stage::Gzip, Format::Gzip, golden::PING),
        (Stage::Zlib, Format::Zlib, golden::PING_ZLIB),
        (Stage::Deflate, Format::Deflate, golden::PING_DEFLATE),
    ] {
        let mut message = bytes(message);
        message.extend([0, 0, 0]);
        let len = message.len();
        assert_eq!(
            errs(stage, message),
            DecodeError::Trailing {
                format,
                len,
                extra: 3
            }
        );
    }
    let mut message = bytes(golden::HELLO);
    message.extend(bytes(golden::READY));
    message.extend(bytes(golden::AGAIN));
    message.extend(bytes(golden::GOODBYE));
    message.push(0);
    let (format, len, extra) = (Format::ZlibStream, message.len(), 1);
    assert_eq!(
        errs(Stage::ZlibStream, message),
        DecodeError::Trailing { format, len, extra }
    );
}

#[test]
fn a_changed_bit_is_told_wherever_it_is() {
    for (stage, message) in [
        (Stage::Gzip, golden::PING),
        (Stage::Gzip, golden::PING_WITH_FIELDS),
        (Stage::Zlib, golden::PING_ZLIB),
    ] {
        let (whole, mut free) = (bytes(message), Vec::new());
        for bit in 0..whole.len() * 8 {
            let mut message = whole.clone();
            message[bit / 8] ^= 1 << (bit % 8);
            let given = decode(&mut decoder(std::slice::from_ref(&stage)), binary(message));
            match given {
                // It does not concern the data: a time, the compressor's system, padding of the
                // last byte.
                Ok(given) => free.push((bit, given)),
                Err(error) => assert_eq!(error.close_code(), code::INVALID_DATA),
            }
        }
        assert!(free.iter().all(|(_, given)| *given == [text(golden::SAID)]));
        let within_data = free.iter().filter(|(bit, _)| *bit > 80);
        assert!(within_data.count() < 8, "{free:?}");
    }
}

#[test]
fn a_bomb_takes_no_more_memory_than_a_message_may() {
    for (stage, format, message) in [
        (Stage::Gzip, Format::Gzip, gzip_of_zeros(1024)),
        (Stage::Deflate, Format::Deflate, zeros(1024)),
        (
            Stage::Zlib,
            Format::Zlib,
            [bytes("789c"), zeros(1024)].concat(),
        ),
        (
            Stage::ZlibStream,
            Format::ZlibStream,
            [bytes("789c"), zeros(1024)].concat(),
        ),
    ] {
        let (len, limit) = (message.len(), MAX);
        let error = errs(stage, message);
        assert_eq!(error, DecodeError::TooBig { format, len, limit });
        assert_eq!(error.close_code(), code::TOO_BIG);
    }
    let mut output = Output::new(MAX);
    let mut state = flate2::Decompress::new(false);
    assert!(output.inflate(&mut state, &zeros(1024)).is_err());
    assert!(output.held() <= MAX + 1, "{}", output.held());
    assert!(state.total_out() <= MAX as u64 + 1);
}

#[test]
fn a_message_may_have_just_so_many_bytes() {
    let just = [bytes("1f8b08000000000002ff"), zeros(1), bytes("0300")].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&vec![0; MAX]);
    let message = [
        just,
        crc.sum().to_le_bytes().to_vec(),
        (MAX as u32).to_le_bytes().to_vec(),
    ];
    let message = message.concat();
    let given = decode(&mut decoder(&[Stage::Gzip]), binary(message.clone()));
    assert_eq!(given.unwrap()[0].len(), MAX);
    let decoding = decoding(&[Stage::Gzip]);
    let mut shorter = MessageDecoder::new(&decoding, MAX - 1, &NoPool);
    let error = decode(&mut shorter, binary(message)).unwrap_err();
    assert_eq!(error.close_code(), code::TOO_BIG);
}

#[test]
fn a_stream_cannot_grow_beyond_a_message_piece_by_piece() {
    let mut decoder = decoder(&[Stage::ZlibStream]);
    let first = [bytes("789c"), zeros(1)].concat();
    // Before the end of the flush, with which it would be a message.
    let cut = first.len() - 2;
    assert_eq!(
        decode(&mut decoder, binary(first[..cut].to_vec())),
        Ok(vec![])
    );
    assert!(decoder.held() >= MAX, "{}", decoder.held());
    let error = decode(
        &mut decoder,
        binary([&first[cut..], &zeros(1)[..]].concat()),
    );
    assert_eq!(error.unwrap_err().close_code(), code::TOO_BIG);
    assert_eq!(
        decoder.held(),
        0,
        "nothing is kept of what cannot be decoded"
    );
}

#[test]
fn members_are_counted() {
    let empty = bytes("1f8b080000000000020303000000000000000000");
    let most = decode(
        &mut decoder(&[Stage::Gzip]),
        binary(empty.repeat(MAX_MEMBERS)),
    );
    assert_eq!(most, Ok(vec![text("")]));
    let message = empty.repeat(MAX_MEMBERS + 1);
    let (len, limit) = (message.len(), MAX_MEMBERS);
    assert_eq!(
        errs(Stage::Gzip, message),
        DecodeError::TooManyMembers { len, limit }
    );
}

#[test]
fn empty_records_do_not_hold_whoever_asks() {
    let mut decoder = decoder(&[split("\n")]);
    decoder.push(text(&"\n".repeat(30_000)));
    let mut asked = 0;
    while decoder.next() != Ok(Next::Nothing) {
        asked += 1;
    }
    assert_eq!(
        asked,
        30_000_usize.div_ceil(1024) + usize::from(30_000 % 1024 == 0)
    );
}

#[test]
fn thirty_thousand_records_are_made_one_by_one() {
    let mut decoder = decoder(&[split("\u{1e}")]);
    decoder.push(text(&"{\"ping\":1}\u{1e}".repeat(30_000)));
    let held = decoder.held();
    for _ in 0..30_000 {
        assert_eq!(decoder.held(), held, "there is no list of them");
        assert_eq!(decoder.next(), Ok(Next::Message(text("{\"ping\":1}"))));
    }
    assert_eq!(decoder.next(), Ok(Next::Nothing));
}

#[test]
fn records_that_are_bombs_are_held_one_at_a_time() {
    let record = |n: u8| {
        let mut crc = flate2::Crc::new();
        let data = vec![n; 1000];
        crc.update(&data);
        let mut state = Compress::new(Compression::best(), false);
        let mut member = bytes("1f8b08000000000002ff");
        member.reserve(1000);
        let status = state.compress_vec(&data, &mut member, FlushCompress::Finish);
        assert!(status.is_ok());
        member.extend(crc.sum().to_le_bytes());
        member.extend(1000_u32.to_le_bytes());
        member
    };
    let mut decoder = decoder(&[split("|||"), Stage::Gzip, split("!")]);
    let message: Vec<u8> = [record(b'a'), record(b'b'), record(b'c')].join(&b"|||"[..]);
    let held = message.len();
    decoder.push(binary(message));
    for letter in ["a", "b", "c"] {
        assert!(decoder.held() <= held + 1000, "{}", decoder.held());
        loop {
            match decoder.next().unwrap() {
                Next::Message(message) => break assert_eq!(message, text(&letter.repeat(1000))),
                Next::Again => {}
                Next::Nothing => panic!("{letter} is missing"),
            }
        }
    }
}

#[test]
fn behind_an_error_nothing_is_decoded() {
    let mut decoder = decoder(&[Stage::Gzip, split(",")]);
    assert!(decode(&mut decoder, binary(b"no".to_vec())).is_err());
    let given = decode(&mut decoder, binary(bytes(golden::PING)));
    assert_eq!(given, Ok(vec![]));
    assert_eq!(decode(&mut decoder, text("a,b")), Ok(vec![]));
    assert_eq!((decoder.held(), decoder.has_next()), (0, false));
}

#[test]
fn a_piece_that_ends_as_a_flush_does_ends_a_message() {
    // A stored block that holds the four bytes, cut directly after them.
    let stored = bytes("7801000800f7ff610000ffff7a7a7a");
    let mut decoder = decoder(&[Stage::ZlibStream]);
    let given = decode(&mut decoder, binary(stored[..12].to_vec()));
    // It looks like one, also according to Discord's documentation.
    assert_eq!(given.unwrap().len(), 1);
}

#[test]
fn each_error_says_what_was_wrong_and_how_long_it_was() {
    let (format, len) = (Format::Gzip, 20);
    for (error, text) in [
        (
            DecodeError::Foreign { format, len },
            "a binary message of 20 bytes is not gzip data",
        ),
        (
            DecodeError::Invalid { format, len },
            "the gzip data in a message of 20 bytes are invalid",
        ),
        (
            DecodeError::Truncated { format, len },
            "the gzip data in a message of 20 bytes end too early",
        ),
        (
            DecodeError::Trailing {
                format,
                len,
                extra: 3,
            },
            "3 of the 20 bytes of a message come after the end of its gzip data",
        ),
        (
            DecodeError::TooBig {
                format,
                len,
                limit: 8,
            },
            "the gzip data in a message of 20 bytes decompress to more than 8 bytes, which is max_message",
        ),
        (
            DecodeError::TooManyMembers { len, limit: 8 },
            "the gzip data in a message of 20 bytes have more than 8 members",
        ),
        (
            DecodeError::StreamEnded { len },
            "a message of 20 bytes came after the end of the zlib-stream",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
