//! One dial, from the settings to an upgraded stream.

use std::{
    cell::Cell,
    cell::RefCell,
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::{Instant, timeout_at},
};

use super::{
    connector::{Connector, Target},
    request::Prepared,
    resolve::Resolver,
    secrets::Secrets,
    stream::Stream,
    tls::{self, Client, TlsCache},
    upgrade,
};
use crate::{
    config::{ConnectionSettings, Template},
    core::{Cause, Phase},
    events::TlsReport,
};

/// A time that never comes, for timeouts that are not ours to keep.
pub(super) const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// What [`dial`] works with. The caches are shared by all dials of a process; cloning them is cheap.
#[derive(Clone, Copy)]
pub(crate) struct DialRequest<'a> {
    /// Whom to dial, and how.
    pub settings: &'a ConnectionSettings,
    /// Which of the settings' URLs.
    pub url: &'a Template,
    /// The TLS configurations.
    pub tls: &'a TlsCache,
    /// The lookups of host names.
    pub resolver: &'a Resolver,
}

/// An upgraded connection.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The connection itself, with nothing around it.
    pub stream: Stream,
    /// What the peer sent right behind its 101: the first frames.
    pub leftover: Bytes,
    /// The subprotocol that the server chose, always one of those that were offered.
    pub subprotocol: Option<String>,
    /// The address that answered.
    pub peer: SocketAddr,
    /// How long the steps took.
    pub timings: Timings,
    /// What TLS says of the peer; `None` for `ws`.
    pub tls: Option<TlsReport>,
    /// The files of all templates of these settings, `on_open` included, as they were read for this dial.
    pub secrets: Secrets,
}

/// How long the steps of a dial took; `None` for a step that was not needed or not finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timings {
    /// Resolving the host name; not needed for an IP address.
    pub dns: Option<Duration>,
    /// Opening the TCP connection, over all addresses that were tried.
    pub tcp: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// The upgrade request and its answer.
    pub upgrade: Option<Duration>,
}

/// Dials and upgrades, within `connect_timeout`. Must run where `spawn_local` works: on an arbiter.
///
/// Dropping the future closes whatever was open. A running `getaddrinfo` or file read cannot be stopped: it ends
/// on its own thread, and the number of those is bounded for the process.
///
/// # Errors
///
/// The [`Cause`] that ended the dial; [`Cause::ConnectTimeout`] says in which phase the time ran out.
pub(crate) async fn dial(request: DialRequest<'_>) -> Result<Opened, Cause> {
    let progress = Progress::new(request.settings.connect_timeout);
    timeout_at(progress.deadline, run(request, &progress))
        .await
        .unwrap_or_else(|_| Err(Cause::ConnectTimeout(progress.phase())))
}

/// The `host:port` that this URL dials: the key of the dial budget. The port is always written.
///
/// # Errors
///
/// [`Cause::SecretMissing`] or [`Cause::InvalidRequest`] when the URL cannot be rendered.
pub(crate) async fn host_key(url: &Template) -> Result<String, Cause> {
    let secrets = Secrets::read([url]).await?;
    super::request::host_key(url, &secrets)
}

async fn run(request: DialRequest<'_>, progress: &Rc<Progress>) -> Result<Opened, Cause> {
    let secrets = Secrets::of(request.settings, request.url).await?;
    let prepared = Prepared::new(request.settings, request.url, &secrets)?;
    let settings = request.settings;
    let tls = match prepared.server_name.clone() {
        Some(name) => Some((request.tls.config(&settings.tls).await?, name)),
        None => None,
    };
    if settings.tls.cert_file.is_some() {
        progress.client.set(Client::Configured);
    }
    let connector = Connector::new(Target {
        host: prepared.host.clone(),
        port: prepared.port,
        tls,
        source: settings.source_address,
        resolver: request.resolver.clone(),
        progress: Rc::clone(progress),
    });
    let upgraded = match upgrade::upgrade(prepared, connector, progress).await {
        Ok(upgraded) => upgraded,
        Err(cause) => return Err(progress.last_words().unwrap_or(cause)),
    };
    let (Some(stream), Some(peer)) = (progress.stream.take(), progress.peer.get()) else {
        return Err(Cause::HandshakeInvalid(
            "the connection was gone when the upgrade was done".into(),
        ));
    };
    let tls = stream
        .tls()
        .map(|session| tls::report(session, &settings.tls));
    Ok(Opened {
        stream,
        leftover: upgraded.leftover,
        subprotocol: upgraded.subprotocol,
        peer,
        timings: progress.finish(),
        tls,
        secrets,
    })
}

/// How far a dial is. Shared with the services that `awc` owns while it runs, hence the cells.
#[derive(Debug)]
pub(super) struct Progress {
    /// When the dial must be done.
    pub deadline: Instant,
    /// The address that answered.
    pub peer: Cell<Option<SocketAddr>>,
    /// The stream: `awc` only borrows it, so that it can be taken back as it is.
    pub stream: RefCell<Option<Stream>>,
    /// What we have to show to a server that asks for a client certificate.
    pub client: Cell<Client>,
    /// Whether a byte of the answer to the upgrade came.
    pub answered: Cell<bool>,
    phase: Cell<(Phase, Instant)>,
    timings: Cell<Timings>,
}

impl Progress {
    fn new(timeout: Duration) -> Rc<Self> {
        let now = Instant::now();
        Rc::new(Self {
            deadline: now.checked_add(timeout).unwrap_or(now + FAR),
            peer: Cell::default(),
            stream: RefCell::default(),
            client: Cell::default(),
            answered: Cell::default(),
            phase: Cell::new((Phase::Prepare, now)),
            timings: Cell::default(),
        })
    }

    /// The phase that a timeout is told with.
    fn phase(&self) -> Phase {
        self.phase.get().0
    }

    /// Enters `next`, and writes down what the phase before took.
    pub fn enter(&self, next: Phase) {
        let now = Instant::now();
        let (phase, since) = self.phase.replace((next, now));
        let mut timings = self.timings.get();
        let took = Some(now - since);
        match phase {
            Phase::Prepare => {}
            Phase::Dns => timings.dns = took,
            Phase::Tcp => timings.tcp = took,
            Phase::Tls => timings.tls = took,
            Phase::Upgrade => timings.upgrade = took,
        }
        self.timings.set(timings);
    }

    /// What the server said while we still wrote. In TLS 1.3 a server looks at the client's certificate when the
    /// handshake is already over for the client: its alert may be overtaken by the reset that follows it.
    fn last_words(&self) -> Option<Cause> {
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

    /// What the phases took; the upgrade is over.
    fn finish(&self) -> Timings {
        self.enter(Phase::Upgrade);
        self.timings.get()
    }
}
