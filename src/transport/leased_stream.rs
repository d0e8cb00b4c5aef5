//! A TCP connection that begins no write while the lease of the process does not allow it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::tcp_stream::Tcp;
use crate::settings::{WriteLease, WritePlace};

/// See the module. Everything else, TLS included, lies above it.
#[derive(Debug)]
pub(crate) struct LeasedTcp {
    tcp: Tcp,
    /// Where to wait for the lease.
    place: WritePlace,
}

impl LeasedTcp {
    /// A connection under this lease.
    pub fn new(tcp: Tcp, lease: &WriteLease) -> Self {
        let place = lease.place();
        Self { tcp, place }
    }

    /// The connection itself.
    pub fn tcp(&self) -> &Tcp {
        &self.tcp
    }

    /// Runs a write if one may begin now. The clock is read directly before the system call. Else
    /// the task is woken when the lease is set again.
    fn write<T>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Tcp>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let this = self.get_mut();
        match this.place.may_write_or_wake(cx.waker()) {
            true => write(Pin::new(&mut this.tcp), cx),
            false => Poll::Pending,
        }
    }
}

impl Drop for LeasedTcp {
    /// A process that may not write leaves nothing to its kernel to send.
    fn drop(&mut self) {
        if !self.place.may_write() {
            self.tcp.reset_on_drop();
        }
    }
}

impl AsyncRead for LeasedTcp {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for LeasedTcp {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |tcp, cx| tcp.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // TCP holds nothing back in this process, so this is no write.
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(cx, |tcp, cx| tcp.poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(cx, |tcp, cx| tcp.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::IoSlice, time::Duration};

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        time::{sleep, timeout},
    };

    use super::*;
    use crate::settings::boot_clock;

    const WHILE: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(20);

    async fn pair(lease: &WriteLease) -> (LeasedTcp, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (peer, _) = listener.accept().await.unwrap();
        (LeasedTcp::new(Tcp::new(stream.unwrap()), lease), peer)
    }

    async fn heard(peer: &mut TcpStream, len: usize) -> Vec<u8> {
        let mut heard = vec![0; len];
        let read = timeout(LONG, peer.read_exact(&mut heard)).await;
        read.unwrap().unwrap();
        heard
    }

    async fn hears_nothing(peer: &mut TcpStream) {
        assert!(timeout(WHILE, peer.read_u8()).await.is_err());
    }

    #[tokio::test]
    async fn each_kind_of_write_waits_for_the_lease_and_then_goes_out_once() {
        let lease = WriteLease::new();
        lease.set(Some(boot_clock() + LONG));
        let (mut stream, mut peer) = pair(&lease).await;
        stream.write_all(b"before").await.unwrap();
        assert_eq!(heard(&mut peer, 6).await, b"before");

        lease.set(None);
        let written = tokio::spawn(async move {
            stream.write_all(b"one ").await.unwrap();
            let parts = [IoSlice::new(b"two "), IoSlice::new(b"three")];
            assert_eq!(stream.write_vectored(&parts).await.unwrap(), 9);
            stream
        });
        hears_nothing(&mut peer).await;
        lease.set(Some(boot_clock() + LONG));
        let mut stream = timeout(LONG, written).await.unwrap().unwrap();
        assert_eq!(heard(&mut peer, 13).await, b"one two three");

        lease.set(None);
        let vectored = tokio::spawn(async move {
            let parts = [IoSlice::new(b"four "), IoSlice::new(b"five")];
            assert_eq!(stream.write_vectored(&parts).await.unwrap(), 9);
            stream
        });
        hears_nothing(&mut peer).await;
        lease.set(Some(boot_clock() + LONG));
        let mut stream = timeout(LONG, vectored).await.unwrap().unwrap();
        assert_eq!(heard(&mut peer, 9).await, b"four five");

        lease.set(None);
        let shut = tokio::spawn(async move {
            stream.shutdown().await.unwrap();
            stream
        });
        hears_nothing(&mut peer).await;
        lease.set(Some(boot_clock() + LONG));
        let _stream = timeout(LONG, shut).await.unwrap().unwrap();
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_lease_that_runs_out_ends_the_writes_and_not_the_reads() {
        let lease = WriteLease::new();
        lease.set(Some(boot_clock() + WHILE));
        let (mut stream, mut peer) = pair(&lease).await;
        stream.write_all(b"a").await.unwrap();
        sleep(2 * WHILE).await;
        assert!(timeout(WHILE, stream.write_all(b"b")).await.is_err());
        peer.write_all(b"news").await.unwrap();
        let mut read = [0; 4];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"news");
        assert_eq!(heard(&mut peer, 1).await, b"a");
        hears_nothing(&mut peer).await;
    }

    #[tokio::test]
    async fn without_the_lease_it_ends_with_a_reset_and_else_in_order() {
        let lease = WriteLease::new();
        lease.set(Some(boot_clock() + LONG));
        let (stream, mut peer) = pair(&lease).await;
        drop(stream);
        assert_eq!(peer.read(&mut [0]).await.unwrap(), 0);

        let (stream, mut peer) = pair(&lease).await;
        lease.set(None);
        drop(stream);
        let error = timeout(LONG, peer.read(&mut [0])).await.unwrap();
        assert_eq!(error.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
