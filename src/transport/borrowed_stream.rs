//! The stream of a dial as `awc` sees it: borrowed until the upgrade is answered.

use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    progress::Progress,
    stream::Stream,
    tls::{self, Client},
};

/// The most that is read before the upgrade is answered. A longer head is an attack or a mistake.
pub(super) const MAX_ANSWER: usize = 32 * 1024;

/// The stream of a dial, lent to `awc` until the upgrade is answered.
pub(super) struct BorrowedStream {
    progress: Rc<Progress>,
    read: usize,
    max: usize,
}

impl BorrowedStream {
    /// Lends the stream in `progress.stream`.
    pub fn new(progress: Rc<Progress>) -> Self {
        Self::reading(progress, MAX_ANSWER)
    }

    /// The same, but reads at most `max` bytes.
    pub fn reading(progress: Rc<Progress>, max: usize) -> Self {
        Self {
            progress,
            read: 0,
            max,
        }
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

/// The answer is longer than this number of bytes.
#[derive(Debug, thiserror::Error)]
#[error("the answer to the upgrade is longer than {0} bytes")]
pub(super) struct AnswerTooLong(usize);

impl AsyncRead for BorrowedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read >= this.max {
            return Poll::Ready(Err(io::Error::other(AnswerTooLong(this.max))));
        }
        let before = buf.filled().len();
        let client = this.progress.client.get();
        let result = this
            .with(|stream| stream.poll_read(cx, buf))
            .map_err(|error| into_error(error, client));
        this.read += buf.filled().len() - before;
        this.progress.answered.set(this.read > 0);
        result
    }
}

/// Turns an error of the stream into one that carries a TLS alert of the server as a cause.
fn into_error(error: io::Error, client: Client) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(alert) => io::Error::other(tls::failure(alert, client)),
        None => error,
    }
}

impl AsyncWrite for BorrowedStream {
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
