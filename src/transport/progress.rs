//! How far a dial is, how long its steps took, and its error.

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
    /// Connecting to the proxy, and the proxy's answer to the tunnel request.
    pub proxy: Option<Duration>,
    /// Opening the TCP connection, over all addresses that were tried.
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// The upgrade request and its answer.
    pub upgrade: Option<Duration>,
}

/// A dial that failed.
#[derive(Debug)]
pub(crate) struct DialError {
    /// What ended it; [`Cause::ConnectTimeout`] says in which phase the time ran out.
    pub cause: Cause,
    /// The phase in which it failed.
    pub phase: Phase,
    /// How long the steps took, up to the failure.
    pub timings: Timings,
}

impl From<Cause> for DialError {
    /// An error before the dial began.
    fn from(cause: Cause) -> Self {
        Self {
            cause,
            phase: Phase::Prepare,
            timings: Timings::default(),
        }
    }
}

/// The progress of a dial. It is shared with the service that `awc` owns during the upgrade, so it
/// uses cells.
#[derive(Debug)]
pub(super) struct Progress {
    /// The deadline of the dial.
    pub deadline: Instant,
    /// The address that answered.
    pub peer: Cell<Option<SocketAddr>>,
    /// The stream. `awc` only borrows it, so that it can be taken back unchanged.
    pub stream: RefCell<Option<Stream>>,
    /// The headers of the request except those of the handshake itself. `Host` is the first.
    pub headers: RefCell<Vec<Field>>,
    /// Set when the answer is a redirect.
    pub redirect: RefCell<Option<Redirect>>,
    /// The target of the last redirect, without secrets.
    pub redirected: RefCell<Option<String>>,
    /// Which client certificate we can show to a server that asks for one.
    pub client: Cell<Client>,
    /// Whether at least one byte of the answer to the upgrade was received.
    pub answered: Cell<bool>,
    phase: Cell<(Phase, Instant)>,
    timings: Cell<Timings>,
}

impl Progress {
    /// The progress of a dial that begins now.
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

    /// The phase that a timeout reports.
    pub fn phase(&self) -> Phase {
        self.phase.get().0
    }

    /// Enters `next`, and adds the duration of the previous phase.
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

    /// Reads what the server sent while we still wrote. In TLS 1.3, a server checks the client's
    /// certificate after the client has finished the handshake. A reset may then overtake the
    /// server's alert.
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

    /// The error of a dial that fails in the current phase.
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

    /// The durations of the phases, after the upgrade.
    pub fn finish(&self) -> Timings {
        self.enter(Phase::Upgrade);
        self.timings.get()
    }
}
