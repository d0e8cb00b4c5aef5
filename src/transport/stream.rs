//! The upgraded stream, and the thin loan of it that `awc` works on.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use rustls::ClientConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

use super::{
    dial::Progress,
    tcp_stream::Tcp,
    tls::{self, Client},
};

/// More than this is never read before the upgrade is answered: heads beyond it are an attack or a mistake.
pub(super) const MAX_ANSWER: usize = 32 * 1024;

/// A connection to a peer, plain or over TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Plain TCP, or a tunnel through a proxy.
    Tcp(Tcp),
    /// TLS with the peer, or with the proxy.
    Tls(Box<TlsStream<Stream>>),
    /// The link of a simulation.
    #[cfg(test)]
    Memory(Box<Memory>),
}

/// One that keeps what it is given until it is full or flushed, as a TLS session does; or keeps nothing, with no capacity.
#[cfg(test)]
pub(crate) type Memory = tokio::io::BufWriter<tokio::io::DuplexStream>;

impl Stream {
    /// The TCP connection below; none in a simulation.
    pub(crate) fn tcp(&self) -> Option<&Tcp> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Tls(tls) => tls.get_ref().0.tcp(),
            #[cfg(test)]
            Self::Memory(_) => None,
        }
    }

    /// Whether what it has taken may still lie in this process, until it is flushed.
    pub(crate) fn holds_back(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            Self::Tls(_) => true,
            #[cfg(test)]
            Self::Memory(memory) => !memory.buffer().is_empty(),
        }
    }

    /// The outermost TLS session.
    pub(crate) fn tls(&self) -> Option<&ClientConnection> {
        match self {
            Self::Tcp(_) => None,
            #[cfg(test)]
            Self::Memory(_) => None,
            Self::Tls(tls) => Some(tls.get_ref().1),
        }
    }
}

/// Calls the method of whichever stream it is.
macro_rules! forward {
    ($self:ident, $method:ident ( $($argument:expr),* )) => {
        match $self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).$method($($argument),*),
            Self::Tls(tls) => Pin::new(&mut **tls).$method($($argument),*),
            #[cfg(test)]
            Self::Memory(memory) => Pin::new(&mut **memory).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        forward!(self, poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_shutdown(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
            #[cfg(test)]
            Self::Memory(memory) => memory.is_write_vectored(),
        }
    }
}

/// The stream of a dial, lent to `awc` until the upgrade is answered.
pub(super) struct Lent {
    progress: Rc<Progress>,
    read: usize,
}

impl Lent {
    /// Lends what lies in `progress.stream`.
    pub fn new(progress: Rc<Progress>) -> Self {
        Self { progress, read: 0 }
    }

    fn with<T>(
        &self,
        f: impl FnOnce(Pin<&mut Stream>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut *self.progress.stream.borrow_mut() {
            Some(stream) => f(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

/// The answer to the upgrade is longer than [`MAX_ANSWER`].
#[derive(Debug, thiserror::Error)]
#[error("the answer to the upgrade is longer than {MAX_ANSWER} bytes")]
pub(super) struct AnswerTooLong;

impl AsyncRead for Lent {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read >= MAX_ANSWER {
            return Poll::Ready(Err(io::Error::other(AnswerTooLong)));
        }
        let before = buf.filled().len();
        let client = this.progress.client.get();
        let result = this
            .with(|stream| stream.poll_read(cx, buf))
            .map_err(|error| told(error, client));
        this.read += buf.filled().len() - before;
        this.progress.answered.set(this.read > 0);
        result
    }
}

/// An alert of the server's travels to the end of the dial as the cause that it is.
fn told(error: io::Error, client: Client) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(alert) => io::Error::other(tls::failure(alert, client)),
        None => error,
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}
