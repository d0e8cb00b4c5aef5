//! The stream to a peer, plain or over TLS.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use rustls::ClientConnection;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::{leased_stream::LeasedTcp, tcp_stream::Tcp};
use crate::settings::WriteLease;

/// A connection to a peer, plain or over TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Plain TCP, or a tunnel through a proxy.
    Tcp(Tcp),
    /// The same, in a process that has a lease. Boxed: most processes have none.
    Leased(Box<LeasedTcp>),
    /// TLS with the peer, or with the proxy.
    Tls(Box<TlsStream<Stream>>),
    /// A link of a simulation.
    #[cfg(test)]
    Memory(Box<Memory>),
}

/// A stream that buffers what is written until it is full or flushed, as a TLS session does. With
/// no capacity it buffers nothing.
#[cfg(test)]
pub(crate) type Memory = tokio::io::BufWriter<tokio::io::DuplexStream>;

impl Stream {
    /// A TCP connection, whose writes `lease` limits.
    pub(super) fn new(tcp: TcpStream, lease: Option<&WriteLease>) -> Self {
        let tcp = Tcp::new(tcp);
        match lease {
            None => Self::Tcp(tcp),
            Some(lease) => Self::Leased(Box::new(LeasedTcp::new(tcp, lease))),
        }
    }

    /// When it is dropped, the kernel discards what it has not sent, and resets the connection.
    pub(crate) fn reset_on_drop(&self) {
        if let Some(tcp) = self.tcp() {
            tcp.reset_on_drop();
        }
    }

    /// The TCP connection below; `None` in a simulation.
    pub(crate) fn tcp(&self) -> Option<&Tcp> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Leased(leased) => Some(leased.tcp()),
            Self::Tls(tls) => tls.get_ref().0.tcp(),
            #[cfg(test)]
            Self::Memory(_) => None,
        }
    }

    /// Whether written data may still be in this process until it is flushed.
    pub(crate) fn holds_back(&self) -> bool {
        match self {
            Self::Tcp(_) | Self::Leased(_) => false,
            Self::Tls(_) => true,
            #[cfg(test)]
            Self::Memory(memory) => !memory.buffer().is_empty(),
        }
    }

    /// The outermost TLS session.
    pub(crate) fn tls(&self) -> Option<&ClientConnection> {
        match self {
            Self::Tcp(_) | Self::Leased(_) => None,
            #[cfg(test)]
            Self::Memory(_) => None,
            Self::Tls(tls) => Some(tls.get_ref().1),
        }
    }
}

/// Calls the method of the active variant.
macro_rules! forward {
    ($self:ident, $method:ident ( $($argument:expr),* )) => {
        match $self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).$method($($argument),*),
            Self::Leased(leased) => Pin::new(&mut **leased).$method($($argument),*),
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
            Self::Leased(leased) => leased.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
            #[cfg(test)]
            Self::Memory(memory) => memory.is_write_vectored(),
        }
    }
}
