//! Data as servers compress it on their own.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use miniz_oxide::{
    DataFormat, MZFlush,
    deflate::{CompressionLevel, compress_to_vec, core::CompressorOxide, stream::deflate},
};

/// A gzip file of one member (RFC 1952).
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    file.extend(compress_to_vec(data, 6));
    file.extend((!crc).to_le_bytes());
    file.extend((data.len() as u32).to_le_bytes());
    file
}

/// One zlib stream, flushed after each message.
pub struct ZlibStream(Box<CompressorOxide>);

impl ZlibStream {
    pub fn new() -> Self {
        let mut compressor = Box::<CompressorOxide>::default();
        compressor.set_format_and_level(DataFormat::Zlib, CompressionLevel::DefaultLevel as u8);
        Self(compressor)
    }

    pub fn compress(&mut self, text: &str) -> Vec<u8> {
        let mut out = vec![0; text.len() + 1024];
        let done = deflate(&mut self.0, text.as_bytes(), &mut out, MZFlush::Sync);
        assert_eq!(done.bytes_consumed, text.len());
        out.truncate(done.bytes_written);
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
        out
    }
}
