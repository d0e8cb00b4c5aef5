//! Encodes messages into frames, as much at a time as fits into the arbiter's buffer.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::{
    connection::arbiter::buffers::{WRITE, mask_key, with_deflate_buffer},
    core::Message,
    wire::{Opcode, deflate::Deflater, encode_compressed, encode_frame, encode_header, mask_into},
};

/// The message that is being encoded, if it is too long for one filling of the buffer.
#[derive(Debug, Default)]
pub(in crate::connection) struct Encoder {
    partial: Option<Box<Partial>>,
    compressor: Option<Box<Compressor>>,
}

/// The compressor and its settings.
#[derive(Debug)]
pub(in crate::connection) struct Compressor {
    deflater: Deflater,
    /// Shorter messages are not compressed, in bytes.
    min_size: usize,
    /// Bytes that were compressed since the last [`take_compressed`](Self::take_compressed).
    compressed: usize,
}

/// The origin of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connection) enum Origin {
    /// The outbox, with its id.
    Outbox(u64),
    /// An opening message, or `Connect`'s data.
    Opening,
    /// A step of the script.
    Step,
    /// A subscription message.
    Subscription,
    /// A text heartbeat, which is not an application message.
    Heartbeat,
}

/// A message whose end is in the buffer.
pub(in crate::connection) struct Ended {
    pub origin: Origin,
    /// The length of its payload.
    pub len: usize,
}

#[derive(Debug)]
struct Partial {
    payload: Bytes,
    offset: usize,
    origin: Origin,
    form: Form,
}

/// The encoding of a message.
#[derive(Debug)]
enum Form {
    /// One frame, masked with this key.
    Plain([u8; 4]),
    /// One frame for each filling. The opcode is that of the first, until it has been written.
    Compressed(Option<Opcode>),
}

impl Compressor {
    pub fn new(deflater: Deflater, min_size: usize) -> Self {
        Self {
            deflater,
            // An empty message has nothing to compress, and its flush would be empty, too.
            min_size: min_size.max(1),
            compressed: 0,
        }
    }
}

impl Encoder {
    pub fn new(compressor: Option<Compressor>) -> Self {
        Self {
            compressor: compressor.map(Box::new),
            partial: None,
        }
    }

    /// Whether a message has begun and not ended: nothing else may be encoded.
    pub fn is_busy(&self) -> bool {
        self.partial.is_some()
    }

    /// How many bytes were compressed since [`take_compressed`](Self::take_compressed).
    pub fn compressed(&self) -> usize {
        self.compressor.as_ref().map_or(0, |own| own.compressed)
    }

    /// Returns that number, and resets it.
    pub fn take_compressed(&mut self) -> usize {
        let compressor = self.compressor.as_mut();
        compressor.map_or(0, |own| std::mem::take(&mut own.compressed))
    }

    /// Encodes a message, or its first piece.
    pub fn begin(
        &mut self,
        message: &Message,
        origin: Origin,
        buffer: &mut BytesMut,
    ) -> io::Result<Option<Ended>> {
        let opcode = match message {
            Message::Text(_) => Opcode::Text,
            Message::Binary(_) => Opcode::Binary,
        };
        let payload = message.payload();
        let compressor = self.compressor.as_ref();
        let form = if compressor.is_some_and(|own| payload.len() >= own.min_size) {
            Form::Compressed(Some(opcode))
        } else {
            let key = mask_key();
            if buffer.len() + payload.len() <= WRITE {
                encode_frame(opcode, true, payload, key, buffer);
                let len = payload.len();
                return Ok(Some(Ended { origin, len }));
            }
            encode_header(opcode, true, payload.len(), key, buffer);
            Form::Plain(key)
        };
        self.partial = Some(Box::new(Partial {
            payload: payload.clone(),
            offset: 0,
            origin,
            form,
        }));
        self.go_on(buffer)
    }

    /// Encodes the next piece of an unfinished message, if there is one.
    pub fn go_on(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Ended>> {
        let Some(partial) = &mut self.partial else {
            return Ok(None);
        };
        match (&mut partial.form, &mut self.compressor) {
            (Form::Compressed(first), Some(compressor)) => {
                let end = partial.payload.len().min(partial.offset + WRITE);
                let piece = &partial.payload[partial.offset..end];
                let part = Part {
                    bytes: piece,
                    is_first: partial.offset == 0,
                    is_last: end == partial.payload.len(),
                };
                compress(&mut compressor.deflater, first, part, buffer)?;
                compressor.compressed += piece.len();
                partial.offset = end;
            }
            (Form::Plain(key), _) => {
                let room = WRITE.saturating_sub(buffer.len()).max(1);
                let end = partial.payload.len().min(partial.offset + room);
                let piece = &partial.payload[partial.offset..end];
                mask_into(piece, *key, partial.offset, buffer);
                partial.offset = end;
            }
            // A socket keeps its compressor for life.
            (Form::Compressed(_), None) => return Err(io::ErrorKind::InvalidData.into()),
        }
        if partial.offset < partial.payload.len() {
            return Ok(None);
        }
        let (origin, len) = (partial.origin, partial.payload.len());
        self.partial = None;
        Ok(Some(Ended { origin, len }))
    }
}

/// A part of a message, as much as is compressed at a time.
#[derive(Clone, Copy, Debug)]
struct Part<'a> {
    bytes: &'a [u8],
    is_first: bool,
    is_last: bool,
}

impl Part<'_> {
    /// Whether this is the whole message.
    fn is_whole(self) -> bool {
        self.is_first && self.is_last
    }
}

/// One frame of a compressed message; `None` if the compressor has no output yet.
fn compress(
    deflater: &mut Deflater,
    first: &mut Option<Opcode>,
    part: Part<'_>,
    buffer: &mut BytesMut,
) -> io::Result<()> {
    with_deflate_buffer(|data| {
        deflater
            .compress(part.bytes, part.is_last, data)
            .map_err(io::Error::other)?;
        if data.is_empty() && !part.is_last {
            return Ok(());
        }
        let grew = data.len() >= part.bytes.len();
        match first.take() {
            // A message that did not shrink is sent uncompressed, unless the peer needs it for the
            // compression window. The part must be the whole message, since the compressor may have
            // held back earlier parts.
            Some(opcode) if part.is_whole() && grew && !deflater.keeps_window() => {
                encode_frame(opcode, true, part.bytes, mask_key(), buffer);
            }
            Some(opcode) => encode_compressed(opcode, part.is_last, data, mask_key(), buffer),
            None => encode_frame(Opcode::Continuation, part.is_last, data, mask_key(), buffer),
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
