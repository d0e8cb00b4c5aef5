//! A TCP connection that counts the written bytes, and reports how many of them the peer's TCP has
//! acknowledged.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Tcp {
    stream: TcpStream,
    /// Bytes that the kernel has accepted.
    written: u64,
}

impl Tcp {
    /// Wraps a connection with the count at zero.
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, written: 0 }
    }

    /// The connection itself.
    #[cfg(test)]
    pub fn get_ref(&self) -> &TcpStream {
        &self.stream
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// How many of the written bytes the peer's TCP has not acknowledged. `None` if the system does
    /// not report it.
    pub fn unacknowledged(&self) -> Option<u64> {
        queued(&self.stream)
    }

    /// When this connection is dropped, the kernel discards what it has not sent, and resets the
    /// connection: SO_LINGER with 0.
    pub fn reset_on_drop(&self) {
        // It can fail only for a socket that is closed already: then there is nothing to discard.
        let _closed = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    fn count(&mut self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = result {
            self.written += count as u64;
        }
        result
    }
}

#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "no crate in the tree wraps SIOCOUTQ; without it a peer that reads slowly is taken for one that is gone"
)]
fn queued(stream: &TcpStream) -> Option<u64> {
    use std::os::fd::AsRawFd;

    let mut queued: libc::c_int = 0;
    // SAFETY: the descriptor is open while `stream` is borrowed, and the kernel writes one `int` to
    // a valid place (tcp(7), SIOCOUTQ, which has the number of TIOCOUTQ).
    let done = unsafe { libc::ioctl(stream.as_raw_fd(), libc::TIOCOUTQ, &raw mut queued) };
    match done {
        0 => u64::try_from(queued).ok(),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn queued(_: &TcpStream) -> Option<u64> {
    None
}

impl AsyncRead for Tcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.count(result)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.count(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn what_the_peer_has_not_room_for_is_unacknowledged_until_it_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut tcp = Tcp::new(stream.unwrap());
        let chunk = vec![0; 1 << 20];
        // As much as both kernels hold.
        while let Ok(Ok(count)) =
            tokio::time::timeout(Duration::from_millis(200), tcp.write(&chunk)).await
        {
            assert!(count > 0);
        }
        let stuck = tcp.unacknowledged().unwrap();
        assert!(0 < stuck && stuck < tcp.written(), "{stuck}");
        let mut left = tcp.written();
        let mut buffer = vec![0; 1 << 20];
        while left > 0 {
            left -= peer.read(&mut buffer).await.unwrap() as u64;
        }
        for _ in 0..1_000 {
            if tcp.unacknowledged() == Some(0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?} bytes are still unacknowledged", tcp.unacknowledged());
    }
}
