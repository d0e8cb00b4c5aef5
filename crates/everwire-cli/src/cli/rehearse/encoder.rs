//! Encodes messages like a server whose messages are decoded.

use std::io::Write as _;

use everwire::decode::{Decoding, Payload, Stage};
use flate2::{
    Compress, Compression, FlushCompress,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

/// Reverses the decoding of each message, the last step first.
pub struct Encoder {
    stages: Vec<Stage>,
    /// The compressor of the socket.
    stream: Compress,
}

impl Encoder {
    /// An encoder for one socket.
    pub fn new(decoding: Option<&Decoding>) -> Self {
        let stages = decoding.map(|decoding| decoding.stages().to_vec());
        Self {
            stages: stages.unwrap_or_default(),
            stream: Compress::new(Compression::fast(), true),
        }
    }

    /// Encodes a text.
    ///
    /// # Errors
    ///
    /// An error of the compressor; in practice none.
    pub fn encode(&mut self, text: &str) -> std::io::Result<Payload> {
        let mut payload = Payload::Text(text.into());
        for stage in self.stages.iter().rev() {
            let bytes = payload.as_bytes().clone();
            payload = match stage {
                Stage::Split(separator) => {
                    let mut text = String::from_utf8_lossy(&bytes).into_owned();
                    text.push_str(separator.as_str());
                    Payload::Text(text.into())
                }
                Stage::Gzip => {
                    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(&bytes)?;
                    Payload::Binary(encoder.finish()?.into())
                }
                Stage::Zlib => {
                    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(&bytes)?;
                    Payload::Binary(encoder.finish()?.into())
                }
                Stage::Deflate => {
                    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                    encoder.write_all(&bytes)?;
                    Payload::Binary(encoder.finish()?.into())
                }
                Stage::ZlibStream => Payload::Binary(flushed(&mut self.stream, &bytes)?.into()),
            };
        }
        Ok(payload)
    }
}

/// The next part of a stream, up to a flush.
fn flushed(stream: &mut Compress, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let begin = stream.total_in();
    loop {
        let read = usize::try_from(stream.total_in() - begin).unwrap_or(usize::MAX);
        let rest = bytes.get(read..).unwrap_or_default();
        let room = out.len();
        stream
            .compress_vec(rest, &mut out, FlushCompress::Sync)
            .map_err(std::io::Error::other)?;
        let is_full = out.len() == out.capacity();
        if !is_full || out.len() == room {
            return Ok(out);
        }
        out.reserve(bytes.len() + 64);
    }
}

#[cfg(test)]
mod tests {
    use everwire::{
        decode::{MessageDecoder, Next, Separator},
        wire::deflate::NoPool,
    };

    use super::*;

    /// The first message that this decodes to.
    fn decoded(decoder: &mut MessageDecoder, payload: Payload) -> Payload {
        decoder.push(payload);
        loop {
            match decoder.next().unwrap() {
                Next::Message(message) => return message,
                Next::Again => {}
                Next::Nothing => panic!("nothing came"),
            }
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let long = "everwire ".repeat(20_000);
        let split = Stage::Split(Separator::new("\u{1e}").unwrap());
        for stages in [
            vec![Stage::Gzip],
            vec![Stage::Zlib],
            vec![Stage::Deflate],
            vec![Stage::ZlibStream],
            vec![split.clone()],
            vec![Stage::ZlibStream, split],
        ] {
            let decoding = Decoding::new(stages).unwrap();
            let mut encoder = Encoder::new(Some(&decoding));
            let mut decoder = MessageDecoder::new(&decoding, 1 << 20, &NoPool);
            for text in ["hello", &long, "{}"] {
                let payload = encoder.encode(text).unwrap();
                let came = decoded(&mut decoder, payload);
                assert_eq!(came, Payload::Text(text.into()), "{decoding:?}");
            }
        }
    }
}
