//! A stream that is always ready: it returns the same frames again and again, and drops written
//! data.

use std::{
    hint::black_box,
    io::{self, IoSlice, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes of one read.
pub const READ: usize = 64 << 10;

/// See the module.
pub struct Memory {
    frames: Vec<u8>,
    at: usize,
}

impl Memory {
    /// A stream of unmasked frames with this first byte and payload.
    pub fn of(first: u8, payload: &[u8]) -> Self {
        let mut frame = Vec::new();
        crate::peer::push_header(first, payload.len(), &mut frame);
        frame.extend(payload);
        Self {
            frames: frame.repeat(1000),
            at: 0,
        }
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.frames[self.at..];
        let len = rest.len().min(buffer.len()).min(READ);
        buffer[..len].copy_from_slice(&rest[..len]);
        self.at = (self.at + len) % self.frames.len();
        Ok(len)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rest = &this.frames[this.at..];
        let len = rest.len().min(buffer.remaining()).min(READ);
        buffer.put_slice(&rest[..len]);
        this.at = (this.at + len) % this.frames.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(black_box(bytes).len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(black_box(slices).iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
