//! Encoded messages equal the given ones, according to a foreign parser and inflater.

use miniz_oxide::{
    DataFormat, MZFlush, MZStatus,
    inflate::stream::{InflateState, inflate},
};
use proptest::prelude::*;

use super::*;
use crate::{
    connection::arbiter::buffers::ArbiterPool,
    wire::deflate::{Agreed, Level, WindowBits},
};

/// A frame on the server's side.
struct Seen {
    fin: bool,
    compressed: bool,
    opcode: u8,
    payload: Vec<u8>,
}

/// Takes the first frame off `bytes`, if it is complete.
fn take_frame(bytes: &mut Vec<u8>) -> Option<Seen> {
    let [first, second, ..] = *bytes.as_slice() else {
        return None;
    };
    assert_eq!(second & 0x80, 0x80, "masked");
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let long = bytes.get(2..2 + extended)?;
    let len = match extended {
        0 => usize::from(second & 0x7f),
        _ => long
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte)),
    };
    let start = 2 + extended + 4;
    if bytes.len() < start + len {
        return None;
    }
    let key: Vec<u8> = bytes[start - 4..start].to_vec();
    let rest = bytes.split_off(start + len);
    let frame = std::mem::replace(bytes, rest);
    let payload = frame[start..].iter().zip(key.iter().cycle());
    Some(Seen {
        fin: first & 0x80 != 0,
        compressed: first & 0x40 != 0,
        opcode: first & 0x0f,
        payload: payload.map(|(byte, key)| byte ^ key).collect(),
    })
}

/// The reading end of a server that inflates.
struct Server {
    state: Box<InflateState>,
    keeps_window: bool,
    unread: Vec<u8>,
    messages: Vec<(u8, Vec<u8>)>,
    partial: Option<(u8, bool, Vec<u8>)>,
    pings: usize,
}

impl Server {
    fn new(keeps_window: bool) -> Self {
        Self {
            state: InflateState::new_boxed(DataFormat::Raw),
            keeps_window,
            unread: Vec::new(),
            messages: Vec::new(),
            partial: None,
            pings: 0,
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.unread.extend(bytes);
        while let Some(frame) = take_frame(&mut self.unread) {
            match frame.opcode {
                0x9 => {
                    assert!(self.partial.is_none(), "a ping within a message of ours");
                    self.pings += 1;
                    continue;
                }
                0x0 => assert!(!frame.compressed, "RSV1 on a continuation"),
                opcode => {
                    let begun = (opcode, frame.compressed, Vec::new());
                    assert!(self.partial.replace(begun).is_none(), "interleaved");
                }
            }
            let (opcode, compressed, mut payload) = self.partial.take().expect("a start");
            payload.extend(frame.payload);
            match frame.fin {
                false => self.partial = Some((opcode, compressed, payload)),
                true if compressed => {
                    let payload = self.inflate(payload);
                    self.messages.push((opcode, payload));
                }
                true => self.messages.push((opcode, payload)),
            }
        }
    }

    fn inflate(&mut self, mut data: Vec<u8>) -> Vec<u8> {
        data.extend([0, 0, 0xff, 0xff]);
        if !self.keeps_window {
            self.state = InflateState::new_boxed(DataFormat::Raw);
        }
        let (mut out, mut room, mut rest) = (Vec::new(), vec![0; 64 << 10], &data[..]);
        loop {
            let step = inflate(&mut self.state, rest, &mut room, MZFlush::None);
            rest = &rest[step.bytes_consumed..];
            out.extend(&room[..step.bytes_written]);
            match step.status {
                Ok(MZStatus::Ok) if rest.is_empty() && step.bytes_written < room.len() => {
                    return out;
                }
                Ok(MZStatus::Ok) => {}
                // There is no more output.
                Err(miniz_oxide::MZError::Buf) if rest.is_empty() => return out,
                other => panic!("{other:?} with {} bytes left", rest.len()),
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Zeros,
    Json,
    Random,
    Mixed,
    /// Compressible for a long part, random at its end.
    RandomEnd,
}

impl Content {
    const ALL: [Self; 5] = [
        Self::Zeros,
        Self::Json,
        Self::Random,
        Self::Mixed,
        Self::RandomEnd,
    ];

    fn make(self, len: usize, seed: u64) -> Vec<u8> {
        let mut random = seed | 1;
        let mut noise = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // Printable, so that it may be a text.
            b' ' + u8::try_from((random >> 32) % 95).unwrap()
        };
        let json = br#"{"e":"depthUpdate","s":"BNBBTC","b":[["0.0024","10"]]},"#;
        let json = |at: usize| json[at % json.len()];
        (0..len)
            .map(|at| match self {
                Self::Zeros => b'0',
                Self::Json => json(at),
                Self::Random => noise(),
                Self::Mixed if (at >> 10) % 2 == 0 => json(at),
                Self::Mixed => noise(),
                Self::RandomEnd if at + 200 < len => json(at),
                Self::RandomEnd => noise(),
            })
            .collect()
    }
}

fn encoder(keeps_window: bool, bits: u8, min_size: usize) -> Encoder {
    let agreed = Agreed {
        server_no_context_takeover: false,
        client_no_context_takeover: !keeps_window,
        server_max_window_bits: WindowBits::MAX,
        client_max_window_bits: WindowBits::new(bits).unwrap(),
    };
    let deflater = Deflater::new(&agreed, Level::default(), &ArbiterPool).unwrap();
    Encoder::new(Some(Compressor::new(deflater, min_size)))
}

/// Encodes a message as the writer does: into a buffer that already holds `ahead` bytes, in as many
/// fillings as necessary.
fn encode(encoder: &mut Encoder, message: &Message, ahead: usize, server: &mut Server) {
    let mut buffer = BytesMut::new();
    // A frame of another message of this size.
    while buffer.len() < ahead {
        encode_frame(Opcode::Ping, true, &[0; 100], mask_key(), &mut buffer);
    }
    let mut ended = encoder
        .begin(message, Origin::Heartbeat, &mut buffer)
        .unwrap();
    loop {
        server.read(&buffer);
        if ended.is_some() {
            return;
        }
        buffer.clear();
        assert!(encoder.is_busy());
        ended = encoder.go_on(&mut buffer).unwrap();
    }
}

fn check(
    messages: &[(Content, usize, bool, usize)],
    keeps_window: bool,
    bits: u8,
    min_size: usize,
) {
    let (mut encoder, mut server) = (
        encoder(keeps_window, bits, min_size),
        Server::new(keeps_window),
    );
    for (number, &(content, len, is_text, ahead)) in messages.iter().enumerate() {
        let payload = content.make(len, number as u64 + 7);
        let message = match is_text {
            true => Message::text(String::from_utf8(payload.clone()).unwrap()),
            false => Message::binary(payload.clone()),
        };
        encode(&mut encoder, &message, ahead, &mut server);
        let (opcode, seen) = server.messages.pop().expect("a message");
        assert_eq!(opcode, if is_text { 0x1 } else { 0x2 });
        assert!(
            seen == payload,
            "{} of {len} bytes of {content:?} arrived; takeover {keeps_window}, {bits} bits",
            seen.len()
        );
    }
}

#[test]
fn a_long_message_whose_start_compresses_to_nothing_arrives_whole() {
    for len in [65_537, 65_600, 66_500, 131_073] {
        for content in Content::ALL {
            check(&[(content, len, true, 0)], false, 15, 1);
            check(&[(content, len, true, 0)], true, 15, 1);
        }
    }
}

/// A length close to one of the internal bounds: a filling, a piece, a compressor block.
fn lengths() -> impl Strategy<Value = usize> {
    let bound = prop::sample::select(vec![
        0usize,
        1 << 10,
        16 << 10,
        64 << 10,
        128 << 10,
        192 << 10,
    ]);
    prop_oneof![
        4 => (bound, 0usize..140).prop_map(|(bound, off)| (bound + off).saturating_sub(70)),
        1 => 0usize..300_000,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_encoded_is_what_was_given(
        messages in prop::collection::vec(
            (prop::sample::select(Content::ALL.to_vec()), lengths(), any::<bool>(), 0usize..WRITE),
            1..4,
        ),
        keeps_window: bool,
        bits in 9u8..=15,
        min_size in prop::sample::select(vec![1usize, 1 << 10, 100_000]),
    ) {
        check(&messages, keeps_window, bits, min_size);
    }
}
