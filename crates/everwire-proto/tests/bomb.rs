//! The cost of a decompression bomb, measured as the peak memory of the process. It is the only
//! test in its process.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test asks the system, and fails by panicking"
)]

use everwire_proto::{
    decode::{DecodeError, Decoding, Format, MessageDecoder, Payload, Stage},
    wire::deflate::NoPool,
};
use flate2::{Compress, Compression, FlushCompress};

const MIB: usize = 1 << 20;

/// DEFLATE data for a GiB of zeros: an independent MiB, repeated.
fn bomb(head: &[u8]) -> Vec<u8> {
    let mut state = Compress::new(Compression::best(), false);
    let mut piece = Vec::with_capacity(64 << 10);
    state
        .compress_vec(&vec![0; MIB], &mut piece, FlushCompress::Full)
        .unwrap();
    [head, &piece.repeat(1024)].concat()
}

/// The peak memory of the process since the last reset, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() << 10
}

fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}

#[test]
fn a_gib_in_a_message_costs_no_more_than_a_message_may_have() {
    let gzip: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];
    for (stage, format, head) in [
        (Stage::Gzip, Format::Gzip, gzip),
        (Stage::Zlib, Format::Zlib, &[0x78, 0x9c]),
        (Stage::Deflate, Format::Deflate, &[]),
        (Stage::ZlibStream, Format::ZlibStream, &[0x78, 0x9c]),
    ] {
        let message = bomb(head);
        let len = message.len();
        let decoding = Decoding::new(vec![stage]).unwrap();
        let mut decoder = MessageDecoder::new(&decoding, MIB, &NoPool);
        decoder.push(Payload::Binary(message.into()));
        forget_peak();
        let before = peak();
        let limit = MIB;
        let refused = Err(DecodeError::TooBig { format, len, limit });
        assert_eq!(decoder.next(), refused);
        let cost = peak() - before;
        // A growing buffer may briefly need two thirds in addition; the rest is the state.
        assert!(cost <= 2 * MIB, "{format}: {cost} bytes");
        assert_eq!(decoder.held(), 0);
    }
}
