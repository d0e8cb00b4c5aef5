//! Bytes that are to be sent to a client.

use std::io;

use tokio::net::TcpStream;

/// With more unsent bytes than this, nothing more is produced or read.
pub(super) const HIGH_WATER: usize = 256 << 10;

/// Bytes to write. The first `sent` bytes are already written.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() - self.sent >= HIGH_WATER
    }

    /// Writes as much as the kernel accepts now.
    pub(super) fn flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        while !self.is_empty() {
            match stream.try_write(&self.bytes[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.compact();
        Ok(())
    }

    /// Writes everything.
    pub(super) async fn flush_all(&mut self, stream: &TcpStream) -> io::Result<()> {
        loop {
            self.flush(stream)?;
            if self.is_empty() {
                return Ok(());
            }
            stream.writable().await?;
        }
    }

    fn compact(&mut self) {
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
            // An idle socket keeps no large buffer.
            self.bytes.shrink_to(4 << 10);
        } else if self.sent >= HIGH_WATER {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }
}
