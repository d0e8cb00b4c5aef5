//! Decoding of random data.

use flate2::{Compress, Compression, FlushCompress};
use proptest::{collection::vec, prelude::*};

use super::*;

/// The position of a zlib stream after each message.
fn stream(messages: &[Vec<u8>], level: u32) -> Vec<Vec<u8>> {
    let mut state = Compress::new(Compression::new(level), true);
    let compress = |message: &Vec<u8>| {
        let mut out = Vec::with_capacity(message.len() + 1024);
        let status = state.compress_vec(message, &mut out, FlushCompress::Sync);
        assert!(status.is_ok() && out.len() < out.capacity());
        out
    };
    messages.iter().map(compress).collect()
}

/// Cuts at these places.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

fn payload(bytes: &[u8]) -> Payload {
    match std::str::from_utf8(bytes) {
        Ok(valid) => text(valid),
        Err(_) => binary(bytes.to_vec()),
    }
}

proptest! {
    #[test]
    fn a_stream_gives_its_messages_however_it_is_cut(
        messages in vec(vec(any::<u8>(), 1..600), 1..6),
        cuts in vec(any::<usize>(), 0..12),
        level in 0_u32..10,
    ) {
        let mut decoder = decoder(&[Stage::ZlibStream]);
        for (message, compressed) in messages.iter().zip(stream(&messages, level)) {
            let mut given = Vec::new();
            for piece in pieces(&compressed, &cuts) {
                given.extend(decode(&mut decoder, binary(piece.to_vec())).unwrap());
            }
            // A stored block may contain the bytes of a flush, at which a piece may end.
            let told: Vec<u8> = given.iter().flat_map(|part| part.as_bytes().to_vec()).collect();
            prop_assert_eq!(&told, message);
            if !message.windows(4).any(|four| four == [0, 0, 0xff, 0xff]) {
                prop_assert_eq!(given, vec![payload(message)]);
            }
        }
    }

    #[test]
    fn records_are_what_stands_between_separators(
        records in vec("[a-zä\u{1e}]{0,5}", 0..40),
        separator in prop::sample::select(vec!["\n", "--", "€"]),
    ) {
        let message = records.join(separator);
        let mut decoder = decoder(&[split(separator)]);
        let expected: Vec<&str> = records.iter().map(String::as_str).filter(|record| !record.is_empty()).collect();
        let texts: Vec<Payload> = expected.iter().map(|record| text(record)).collect();
        prop_assert_eq!(decode(&mut decoder, text(&message)), Ok(texts));
        let bytes: Vec<Payload> = expected.iter().map(|record| binary(record.as_bytes().to_vec())).collect();
        prop_assert_eq!(decode(&mut decoder, binary(message.into_bytes())), Ok(bytes));
    }

    #[test]
    fn nothing_that_is_sent_panics_or_gives_more_than_may_be(
        messages in vec(vec(any::<u8>(), 0..300), 0..8),
        stage in prop::sample::select(vec![Stage::Gzip, Stage::Zlib, Stage::Deflate, Stage::ZlibStream]),
        max in 0_usize..200,
    ) {
        let decoding = decoding(&[stage, split("\n")]);
        let mut decoder = MessageDecoder::new(&decoding, max, &NoPool);
        for message in messages {
            let Ok(given) = decode(&mut decoder, binary(message)) else { break };
            prop_assert!(given.iter().all(|message| message.len() <= max.max(300)));
        }
    }
}
