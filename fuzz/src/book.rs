//! Parses a stream of a server's frames by the RFC (RFC 6455 §5.2), without validating it.

use everwire_proto::wire::{CloseFrame, Incoming, Limits};

use crate::{
    model::{Model, Verdict},
    server::{BINARY, CONTINUATION, TEXT},
};

/// The content of a frame or of a fragmented message, with the opcode.
pub type Item = (u8, Vec<u8>);

/// The items of a stream, in the order of their ends.
pub struct Items<'a> {
    stream: &'a [u8],
    limits: Limits,
    deflate: Option<Model>,
    /// The unfinished message.
    message: Vec<u8>,
    opcode: u8,
    compressed: bool,
    fragments: u32,
}

impl<'a> Items<'a> {
    /// `deflate`: the model for compressed messages, if compression was agreed on.
    pub fn new(stream: &'a [u8], limits: Limits, deflate: Option<Model>) -> Self {
        Self {
            stream,
            limits,
            deflate,
            message: Vec::new(),
            opcode: CONTINUATION,
            compressed: false,
            fragments: 0,
        }
    }

    /// The next item that a decoder may deliver, with the verdict for a compressed message.
    pub fn next_item(&mut self) -> Option<(u8, Verdict)> {
        loop {
            let (first, payload) = self.frame()?;
            let opcode = first & 0x0f;
            if !matches!(opcode, CONTINUATION | TEXT | BINARY) {
                return Some((opcode, Verdict::Payload(payload.to_vec())));
            }
            if opcode != CONTINUATION {
                self.message.clear();
                (self.opcode, self.compressed, self.fragments) = (opcode, first & 0x40 != 0, 0);
            }
            self.message.extend(payload);
            self.fragments += 1;
            let fits = payload.len() <= self.limits.max_frame;
            let few = self.fragments <= self.limits.max_fragments.max(1);
            if first & 0x80 != 0 {
                let message = std::mem::take(&mut self.message);
                let verdict = match &mut self.deflate {
                    Some(model) if self.compressed => model.message(&message, self.opcode == TEXT),
                    _ => Verdict::Payload(message),
                };
                return (fits && few).then_some((self.opcode, verdict));
            }
            if !(fits && few) {
                return None;
            }
        }
    }

    /// The first byte and the payload of the next complete frame.
    fn frame(&mut self) -> Option<(u8, &'a [u8])> {
        let (&first, rest) = self.stream.split_first()?;
        let (&len, rest) = rest.split_first()?;
        let (len, rest) = match len {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*len)), rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len), rest)
            }
            len => (u64::from(len), rest),
        };
        let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.stream = rest;
        Some((first, payload))
    }
}

/// A delivered message in the form of the stream.
pub fn item(incoming: &Incoming) -> Item {
    match incoming {
        Incoming::Text(text) => (0x1, text.as_bytes().to_vec()),
        Incoming::Binary(payload) => (0x2, payload.to_vec()),
        Incoming::Close(CloseFrame { code, reason }) => {
            let code = code.map(u16::to_be_bytes);
            let code = code.into_iter().flatten();
            (0x8, code.chain(reason.bytes()).collect())
        }
        Incoming::Ping(payload) => (0x9, payload.to_vec()),
        Incoming::Pong(payload) => (0xa, payload.to_vec()),
    }
}
