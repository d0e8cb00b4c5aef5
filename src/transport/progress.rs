//! How far a dial is, how long its steps took, and what is told when it fails.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Instant,
};

use super::{
    headers::Field,
    redirect::Redirect,
    stream::Stream,
    tls::{self, Client},
    trace,
};
use crate::core::{Cause, Phase, later};

/// How long the steps of a dial took, over all redirects; `None` for a step that was not needed or not finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timings {
    /// Resolving the host name; not needed for an IP address.
    pub dns: Option<Duration>,
    /// Reaching the proxy, and having it open the tunnel.
    pub proxy: Option<Duration>,
    /// Opening the TCP connection, over all addresses that were tried.
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// The upgrade request and its answer.
    pub upgrade: Option<Duration>,
}

/// A dial that came to nothing.
#[derive(Debug)]
pub(crate) struct DialError {
    /// What ended it; [`Cause::ConnectTimeout`] says in which phase the time ran out.
    pub cause: Cause,
    /// The phase that it ended in.
    pub phase: Phase,
    /// How long the steps took, up to its end.
    pub timings: Timings,
}

impl From<Cause> for DialError {
    /// One that did not begin.
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            phase: Phase::Prepare,
            timings: Timings::default(),
        }
    }
}

/// How far a dial is. Shared with the service that `awc` owns while it runs, hence the cells.
#[derive(Debug)]
pub(super) struct Progress {
    /// When the dial must be done.
    pub deadline: Instant,
    /// The address that answered.
    pub peer: Cell<Option<SocketAddr>>,
    /// The stream: `awc` only borrows it, so that it can be taken back as it is.
    pub stream: RefCell<Option<Stream>>,
    /// The headers of the request, `Host` first, but those of the handshake itself.
    pub headers: RefCell<Vec<Field>>,
    /// Set when the answer sends us elsewhere.
    pub redirect: RefCell<Option<Redirect>>,
    /// The place that the last redirect led to, without secrets.
    pub redirected: RefCell<Option<String>>,
    /// What we have to show to a server that asks for a client certificate.
    pub client: Cell<Client>,
    /// Whether a byte of the answer to the upgrade came.
    pub answered: Cell<bool>,
    phase: Cell<(Phase, Instant)>,
    timings: Cell<Timings>,
}

impl Progress {
    /// Of a dial that begins now.
    pub fn new(timeout: Duration) -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Self {
            deadline: later(now.into_std(), timeout).into(),
            peer: Cell::default(),
            stream: RefCell::default(),
            headers: RefCell::default(),
            redirect: RefCell::default(),
            redirected: RefCell::default(),
            client: Cell::default(),
            answered: Cell::default(),
            phase: Cell::new((Phase::Prepare, now)),
            timings: Cell::default(),
        })
    }

    /// The phase that a timeout is told with.
    pub fn phase(&self) -> Phase {
        self.phase.get().0
    }

    /// Enters `next`, and adds what the phase before took.
    pub fn enter(&self, next: Phase) {
        let now = Instant::now();
        let (phase, since) = self.phase.replace((next, now));
        let mut timings = self.timings.get();
        let sum = match phase {
            Phase::Prepare => None,
            Phase::Dns => Some(&mut timings.dns),
            Phase::Proxy => Some(&mut timings.proxy),
            Phase::Tcp => Some(&mut timings.tcp),
            Phase::Tls => Some(&mut timings.tls),
            Phase::Upgrade => Some(&mut timings.upgrade),
        };
        if let Some(sum) = sum {
            *sum = Some(sum.unwrap_or_default() + (now - since));
            trace::phase(phase, now - since);
        }
        self.timings.set(timings);
    }

    /// What the server said while we still wrote. In TLS 1.3 a server looks at the client's certificate when the
    /// handshake is already over for the client: its alert may be overtaken by the reset that follows it.
    pub fn last_words(&self) -> Option<Cause> {
        let mut stream = self.stream.borrow_mut();
        let stream = stream.as_mut()?;
        stream.tls()?;
        let mut context = Context::from_waker(Waker::noop());
        let mut space = [0; 64];
        let read = Pin::new(stream).poll_read(&mut context, &mut ReadBuf::new(&mut space));
        if let Poll::Ready(Err(error)) = read
            && let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref())
        {
            return Some(tls::failure(error, self.client.get()));
        }
        match self.answered.get() {
            true => None,
            false => tls::silence(self.client.get()),
        }
    }

    /// The dial is over in the phase in which it is.
    pub fn fail(&self, cause: Cause) -> DialError {
        let phase = self.phase();
        self.enter(phase);
        let cause = match self.redirected.take() {
            Some(to) => Cause::Redirected {
                to,
                cause: Box::new(cause),
            },
            None => cause,
        };
        trace::failed(phase, &cause);
        DialError {
            cause,
            phase,
            timings: self.timings.get(),
        }
    }

    /// What the phases took; the upgrade is over.
    pub fn finish(&self) -> Timings {
        self.enter(Phase::Upgrade);
        self.timings.get()
    }
}
