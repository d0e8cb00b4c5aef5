//! Writes encoded bytes to the kernel, and tracks what it has.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;

use super::{
    super::{
        ahead::{Ahead, StepTurn},
        allowed::Allowed,
    },
    COMPRESSED_WEIGHT, MAX_MESSAGES, Unwritten, Writer,
};
use crate::{
    connection::{arbiter::buffers::with_write_buffer, outbox::shared::SharedOutbox},
    transport::Stream,
};

impl Writer {
    /// Writes until nothing is left (`Ready`), or until the socket is full or another name's turn
    /// comes (`Pending`, with the waker called). `allowed`: what may be taken from the outbox.
    pub fn poll_write(
        &mut self,
        stream: &mut Stream,
        outbox: &Arc<SharedOutbox>,
        allowed: &mut Allowed<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut turn = 0;
        loop {
            while !self.pending.is_empty() {
                match Pin::new(&mut *stream).poll_write(cx, &self.pending) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(n)) => {
                        self.pending.advance(n);
                        self.unflushed = stream.holds_back();
                        self.note_written();
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        // A name that cannot write must not hold others up.
                        self.leave_queues();
                        return Poll::Pending;
                    }
                }
            }
            self.pending = BytesMut::new();
            if turn >= MAX_MESSAGES {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let filled = with_write_buffer(|buffer| {
                self.go_on(buffer)?;
                let filled =
                    outbox.with(|locked| self.fill(buffer, locked, allowed, cx.waker()))?;
                turn += self.encoder.take_compressed() / COMPRESSED_WEIGHT;
                self.encoded += buffer.len() as u64;
                self.write_once(stream, buffer, cx)?;
                io::Result::Ok(filled)
            })?;
            turn += filled.messages;
            self.note_written();
            if filled.is_all && self.pending.is_empty() {
                break;
            }
        }
        self.poll_flush(stream, cx)
    }

    /// Leaves the queues of the rate limits.
    fn leave_queues(&mut self) {
        self.waiting = None;
        if let Some(Ahead::Step(StepTurn::Own(turn))) = self.opening.front_mut() {
            turn.waiting = None;
        }
        if let Some(Ahead::Subscription(StepTurn::Own(turn))) = self.opening.back_mut() {
            turn.waiting = None;
        }
    }

    fn poll_flush(&mut self, stream: &mut Stream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            match Pin::new(&mut *stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => {
                    self.unflushed = false;
                    self.note_written();
                }
                other => return other,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Offers the buffer to the kernel once; the rest becomes `pending`.
    fn write_once(
        &mut self,
        stream: &mut Stream,
        buffer: &BytesMut,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        if buffer.is_empty() {
            return Ok(());
        }
        let taken = match Pin::new(&mut *stream).poll_write(cx, buffer) {
            Poll::Ready(Ok(taken)) => taken,
            Poll::Pending => 0,
            Poll::Ready(Err(error)) => {
                // A TLS session may have taken and sent a part. A bare socket that fails has taken
                // nothing.
                if stream.tls().is_none() {
                    self.pending = BytesMut::from(&buffer[..]);
                }
                return Err(error);
            }
        };
        if taken > 0 && stream.holds_back() {
            self.unflushed = true;
        }
        if taken < buffer.len() {
            self.pending = BytesMut::from(&buffer[taken..]);
        }
        Ok(())
    }

    /// Notes which messages the kernel has as a whole.
    fn note_written(&mut self) {
        // The kernel does not have bytes that a TLS session holds back.
        if !self.unflushed {
            self.note_accepted();
        }
    }

    /// Notes the messages whose last byte was taken.
    pub(super) fn note_accepted(&mut self) {
        let accepted = self.accepted();
        while let Some((_, message)) = self.ends.front().filter(|(end, _)| *end <= accepted) {
            match *message {
                Unwritten::Outbox(id) => self.written = Some(id),
                Unwritten::Opening(len) | Unwritten::Step(len) | Unwritten::Subscription(len) => {
                    self.step_written |= matches!(message, Unwritten::Step(_));
                    self.subscriptions_written +=
                        u16::from(matches!(message, Unwritten::Subscription(_)));
                    self.openings_written.messages += 1;
                    self.openings_written.bytes += len;
                }
            }
            self.ends.pop_front();
        }
        if self.ping_end.is_some_and(|end| end.get() <= accepted) {
            self.ping_end = None;
            self.ping_written = true;
        }
        if self.ends.is_empty() && self.ends.capacity() > MAX_MESSAGES {
            self.ends = VecDeque::new();
        }
    }
}
