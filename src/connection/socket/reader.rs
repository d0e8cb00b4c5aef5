//! The reading half of a socket.

use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use everwire_proto::decode::{MessageDecoder, Next, Payload};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::shared_bytes::share;
use crate::{
    connection::arbiter::buffers::{READ, with_read_buffer},
    core::{Cause, WithinFrame},
    memory::{Charge, MemoryBudget, MemoryUse},
    transport::Stream,
    wire::{Decoder, Incoming},
};

/// The reading half of a socket. Owns no buffer unless a frame is half received.
#[derive(Debug)]
pub(in crate::connection) struct Reader {
    decoder: Decoder,
    /// Read, and not decoded yet.
    unread: Bytes,
    progress: Progress,
    /// The memory of a partly received message, and of decoded messages that were not taken yet.
    charge: Charge,
    /// Decodes application messages. Boxed: few names have it.
    messages: Option<Box<MessageDecoder>>,
}

/// The number of bytes read, and in the lowest bit whether the last read filled its buffer. A flag
/// of its own would put each socket into the next size class.
#[derive(Debug, Default)]
struct Progress(u64);

impl Progress {
    fn bytes(&self) -> u64 {
        self.0 >> 1
    }

    fn add(&mut self, bytes: usize) {
        self.0 += (bytes as u64) << 1;
    }

    fn floods(&self) -> bool {
        self.0 & 1 == 1
    }

    fn set_floods(&mut self, floods: bool) {
        self.0 = self.0 & !1 | u64::from(floods);
    }
}

impl Reader {
    /// Starts with the bytes that came after the handshake's answer.
    pub fn new(decoder: Decoder, leftover: Bytes, memory: &Arc<MemoryBudget>) -> Self {
        Self {
            decoder,
            unread: leftover,
            progress: Progress::default(),
            charge: Charge::new(memory, MemoryUse::Reassembly),
            messages: None,
        }
    }

    /// Adds a message decoder.
    pub fn decoding(mut self, messages: Option<MessageDecoder>) -> Self {
        self.messages = messages.map(Box::new);
        self
    }

    /// The number of bytes read from the socket.
    pub fn received(&self) -> u64 {
        self.progress.bytes()
    }

    /// Whether another message follows in the read bytes.
    pub fn has_next(&self) -> bool {
        self.decoder.begins_with_message(&self.unread) || self.waits_in_message()
    }

    /// Whether the last message decodes to another one.
    fn waits_in_message(&self) -> bool {
        let messages = self.messages.as_ref();
        messages.is_some_and(|messages| messages.has_next())
    }

    /// The incomplete data frame, if there is one.
    pub fn within_frame(&self) -> Option<WithinFrame> {
        let lacks = self.decoder.lacks()?;
        Some(WithinFrame {
            number: self.decoder.data_frames(),
            lacks,
        })
    }

    /// The next message or control frame. `None`, with a message decoder: something has come that
    /// is not a message; ask again.
    ///
    /// # Errors
    ///
    /// The end of the stream, an error of the operating system, a protocol violation, a message
    /// that cannot be decoded, or a lack of memory.
    pub fn poll_next(
        &mut self,
        stream: &mut Stream,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Incoming>, Cause>> {
        match self.messages {
            None => self.poll_wire(stream, now, cx),
            Some(_) => self.poll_decoded(stream, now, cx),
        }
    }

    /// The next message decoded from the last one, or the next from the wire.
    fn poll_decoded(
        &mut self,
        stream: &mut Stream,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Incoming>, Cause>> {
        if !self.waits_in_message() {
            let message = match ready!(self.poll_wire(stream, now, cx))? {
                Some(Incoming::Text(text)) => Payload::Text(text),
                Some(Incoming::Binary(bytes)) => Payload::Binary(bytes),
                control => return Poll::Ready(Ok(control)),
            };
            if let Some(messages) = &mut self.messages {
                messages.push(message);
            }
        }
        Poll::Ready(self.next_in_message())
    }

    fn next_in_message(&mut self) -> Result<Option<Incoming>, Cause> {
        let Some(messages) = &mut self.messages else {
            return Ok(None);
        };
        let next = messages.next().map_err(Cause::Decode)?;
        let held = messages.held();
        if held > 0 {
            let held = self.charge.try_set(self.decoder.buffered() + held);
            held.map_err(|_| Cause::OutOfMemory)?;
        }
        Ok(match next {
            Next::Message(Payload::Text(text)) => Some(Incoming::Text(text)),
            Next::Message(Payload::Binary(bytes)) => Some(Incoming::Binary(bytes)),
            Next::Again | Next::Nothing => None,
        })
    }

    fn poll_wire(
        &mut self,
        stream: &mut Stream,
        now: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Incoming>, Cause>> {
        loop {
            match self.decoder.decode(&mut self.unread, now) {
                Ok(incoming @ Some(_)) => return Poll::Ready(Ok(incoming)),
                Ok(None) => {
                    self.unread = Bytes::new();
                    let held = self.charge.try_set(self.held());
                    held.map_err(|_| Cause::OutOfMemory)?;
                }
                Err(violation) => return Poll::Ready(Err(Cause::Protocol(violation))),
            }
            match self.poll_fill(stream, cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Cause::Eof)),
                Poll::Ready(Ok(count)) => self.progress.add(count),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(read_error(&error))),
                Poll::Pending => {
                    self.decoder.read_all(now);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Others run before the rest of the read bytes is decoded; their memory is counted meanwhile.
    /// If memory is short, decoded bytes are freed.
    pub fn rest(&mut self) {
        if self.unread.is_empty() {
            return;
        }
        let unread = match self.has_much_memory() {
            true => READ,
            false => {
                self.unread = share(&self.unread);
                self.unread.len()
            }
        };
        self.charge.set(self.held() + unread);
    }

    /// The memory of unfinished messages and of decoded ones that were not taken.
    fn held(&self) -> usize {
        let messages = self.messages.as_ref();
        self.decoder.buffered() + messages.map_or(0, |messages| messages.held())
    }

    fn has_much_memory(&self) -> bool {
        self.charge.has_room_of(MemoryUse::Histories, READ)
    }

    /// Reads and discards until the peer ends the connection.
    pub fn poll_discard(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<()> {
        self.unread = Bytes::new();
        with_read_buffer(|buffer| {
            // Bounded: a flood from the peer must not block the arbiter.
            for _ in 0..16 {
                let mut buffer = ReadBuf::new(buffer);
                match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                    Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }

    /// Reads once: into the rest of a long message directly, or through the arbiter's buffer.
    fn poll_fill(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(mut target) = self.decoder.read_target() {
            return pin!(stream.read_buf(&mut target)).poll(cx);
        }
        // If memory is short, less may be left over at the end of a turn.
        if !self.has_much_memory() {
            return self.poll_fill_shared(stream, READ / 8, cx);
        }
        match self.progress.floods() {
            true => self.poll_fill_own(stream, cx),
            false => self.poll_fill_shared(stream, READ, cx),
        }
    }

    /// Reads through the arbiter's buffer: one allocation per read, shared by its messages.
    fn poll_fill_shared(
        &mut self,
        stream: &mut Stream,
        most: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        with_read_buffer(|buffer| {
            let mut buffer = ReadBuf::new(&mut buffer[..most]);
            match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) => {
                    let is_full = buffer.remaining() == 0 && most == READ;
                    self.progress.set_floods(is_full);
                    self.unread = share(buffer.filled());
                    Poll::Ready(Ok(self.unread.len()))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
    }

    /// Reads into memory that the messages keep. Used after a full read: this one will be full,
    /// too, and needs no copy.
    fn poll_fill_own(
        &mut self,
        stream: &mut Stream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut buffer = BytesMut::with_capacity(READ);
        let read = pin!(stream.read_buf(&mut buffer)).poll(cx);
        let floods = buffer.len() > READ / 2;
        self.progress.set_floods(floods);
        self.unread = match floods {
            true => buffer.freeze(),
            false => share(&buffer),
        };
        read
    }
}

/// The cause for a read error. TLS reports a connection that ended without `close_notify` as an
/// unexpected end.
pub(in crate::connection) fn read_error(error: &io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Cause::Eof,
        _ => Cause::Reset(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_there_may_be_no_message_enlarges_nothing() {
        assert_eq!(
            size_of::<Poll<Result<Option<Incoming>, Cause>>>(),
            size_of::<Poll<Result<Incoming, Cause>>>()
        );
    }
}
