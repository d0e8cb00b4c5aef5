//! Messages from the client of a session to its peer.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use bytes::BytesMut;
use tokio::io::AsyncWrite;

use super::{MAX_FILLINGS, Phase, Turn, Upstream};
use crate::{
    connection::{
        arbiter::buffers::{WRITE, mask_key},
        session::{SessionEnd, pipe::Next},
        socket::encoder::Origin,
    },
    core::later,
    wire::{CloseFrame, Opcode, code, encode_close, encode_frame},
};

impl Upstream {
    pub(super) fn poll_write(&mut self, now: Instant, cx: &mut Context<'_>) -> io::Result<Turn> {
        if self.is_deaf {
            return Ok(Turn::Rest);
        }
        for _ in 0..MAX_FILLINGS {
            while self.written < self.buffer.len() {
                let piece = &self.buffer[self.written..];
                match Pin::new(&mut self.stream).poll_write(cx, piece)? {
                    Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Poll::Ready(count) => {
                        self.written += count;
                        let all = self.written == self.buffer.len();
                        self.pings.wrote(all, &self.stream, now);
                    }
                    Poll::Pending => return Ok(Turn::Rest),
                }
            }
            self.written = 0;
            self.buffer.clear();
            self.fill(now, cx)?;
            if self.buffer.is_empty() {
                // An idle socket owns no buffer.
                self.buffer = BytesMut::new();
                let _flushed = Pin::new(&mut self.stream).poll_flush(cx)?;
                return Ok(Turn::Rest);
            }
        }
        Ok(Turn::Again)
    }

    /// Encodes what goes out next.
    fn fill(&mut self, now: Instant, cx: &mut Context<'_>) -> io::Result<()> {
        while self.buffer.len() < WRITE {
            if self.encoder.is_busy() {
                self.encoder.go_on(&mut self.buffer)?;
                continue;
            }
            if let Some(pong) = self.pongs.pop_front() {
                encode_frame(Opcode::Pong, true, &pong, mask_key(), &mut self.buffer);
                continue;
            }
            if let Phase::Closing(frame, _) = &mut self.phase {
                if let Some(frame) = frame.take() {
                    encode_close(&frame, mask_key(), &mut self.buffer);
                }
                return Ok(());
            }
            if let Some(ping) = self.pings.take(now) {
                encode_frame(Opcode::Ping, true, &ping, mask_key(), &mut self.buffer);
                continue;
            }
            match self.client.poll_next(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Next::Message(message)) => {
                    self.shown.sent(message.len());
                    self.encoder
                        .begin(&message, Origin::Opening, &mut self.buffer)?;
                }
                Poll::Ready(Next::End(frame)) => self.leave(frame, now),
                Poll::Ready(Next::Broken) => {
                    self.leave(CloseFrame::new(code::GOING_AWAY, ""), now);
                }
            }
        }
        Ok(())
    }

    /// All messages of the client are encoded; its close frame follows.
    fn leave(&mut self, frame: CloseFrame, now: Instant) {
        let until = match self.phase {
            Phase::Flushing(until) => until,
            Phase::Serving | Phase::Closing(..) => later(now, self.close_timeout),
        };
        self.end(SessionEnd::Closed);
        self.phase = Phase::Closing(Some(frame), until);
    }
}
