//! The server: one thread accepts clients and serves them.
//!
//! The server of Actix counts connections. When its limit is reached, new clients wait in the
//! kernel's queue, even if all others are silent. This server disconnects the oldest silent client
//! instead.

use std::{
    cell::Cell,
    io,
    net::TcpListener as StdListener,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::{HttpService, Protocol};
use actix_rt::Arbiter;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::dev::AppConfig;
use rustls::ServerConfig;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    clients::{Client, Clients, Place},
    user_timeout,
};

/// The time limit for the head of a client's first request, and for its TLS handshake.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may stay connected without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The length of the kernel's queue.
const BACKLOG: i32 = 4096;
/// How many clients are accepted before those that are connected get a turn.
const AT_A_TIME: usize = 16;
/// How long to wait after a failed accept.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the log reports that no client can be accepted.
const WARNINGS: Duration = Duration::from_secs(60);
/// How often slow heads are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// A running server.
#[derive(Debug)]
pub struct Server {
    arbiter: Arbiter,
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Server {
    /// Disconnects all clients, and stops.
    pub async fn stop(self) {
        let _ended = self.stop.send(());
        let _ended = self.ended.await;
        self.arbiter.stop();
    }

    /// Serves what `app` makes on `listener`, inside a running actix system.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub fn start<F, I, S, B>(
        listener: StdListener,
        tls: Option<ServerConfig>,
        app: F,
    ) -> io::Result<Self>
    where
        F: FnOnce() -> I + Send + 'static,
        I: IntoServiceFactory<S, actix_http::Request>,
        S: ServiceFactory<
                actix_http::Request,
                Config = AppConfig,
                Response = actix_web::dev::ServiceResponse<B>,
                Error = actix_web::Error,
                InitError = (),
            > + 'static,
        S::Service: 'static,
        <S::Service as Service<actix_http::Request>>::Future: 'static,
        B: actix_web::body::MessageBody + 'static,
    {
        user_timeout::limit(&listener)?;
        SockRef::from(&listener).listen(BACKLOG)?;
        listener.set_nonblocking(true)?;
        let tls = tls.map(|mut tls| {
            tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            TlsAcceptor::from(Arc::new(tls))
        });
        let arbiter = Arbiter::new();
        let (stop, stopped) = oneshot::channel();
        let (ended, has_ended) = oneshot::channel();
        arbiter.spawn_fn(move || {
            actix::spawn(async move {
                let app = map_config(app().into_factory(), |()| AppConfig::default());
                let http = HttpService::build()
                    .keep_alive(KEEP_ALIVE)
                    .client_request_timeout(REQUEST_TIMEOUT)
                    .client_disconnect_timeout(Duration::from_secs(1))
                    // A reader of events may send nothing for hours. The end of its stream is the
                    // only sign that it is gone.
                    .h1_allow_half_closed(false)
                    .on_connect_ext(|io: &Stream, data| {
                        data.insert(io.client.clone());
                        data.insert(io.last_bytes.clone());
                    })
                    .finish(app.map_err(|error| error.error_response()));
                let http =
                    ServiceFactory::<(Stream, Protocol, Option<std::net::SocketAddr>)>::new_service(
                        &http,
                        (),
                    );
                if let (Ok(http), Ok(listener)) = (http.await, TcpListener::from_std(listener)) {
                    let clients = Clients::default();
                    accept(&listener, &clients, tls.as_ref(), &Rc::new(http), stopped).await;
                    clients.end();
                }
                // The receiver may be dropped.
                let _unheard = ended.send(());
            });
        });
        Ok(Self {
            arbiter,
            stop,
            ended: has_ended,
        })
    }
}

/// Accepts clients until it is told to stop.
async fn accept<S>(
    listener: &TcpListener,
    clients: &Clients,
    tls: Option<&TlsAcceptor>,
    http: &Rc<S>,
    mut stopped: oneshot::Receiver<()>,
) where
    S: Service<(Stream, Protocol, Option<std::net::SocketAddr>)> + 'static,
{
    let mut sweep = tokio::time::interval(SWEEP);
    let mut in_a_row = 0;
    let mut warned: Option<Instant> = None;
    loop {
        let room_at = clients.room_at(Instant::now());
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => return,
            _ = sweep.tick() => {
                clients.expire(Instant::now());
                continue;
            }
            () = sleep_until(room_at.unwrap_or_else(Instant::now)), if room_at.is_some() => continue,
            accepted = listener.accept(), if room_at.is_none() => accepted,
        };
        match accepted {
            Ok((tcp, _)) => admit(tcp, clients, tls, http),
            // The client left before it was accepted. Others are not affected.
            Err(error) if concerns_one_client(&error) => {}
            // No descriptor is free. A silent client can be disconnected to free one.
            Err(error) => {
                let let_go = clients.evict_oldest();
                let now = Instant::now();
                if warned.is_none_or(|at| now - at > WARNINGS) {
                    tracing::warn!(%error, let_go, "clients of the API cannot be accepted");
                    warned = Some(now);
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        in_a_row += 1;
        if in_a_row % AT_A_TIME == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Whether the error concerns only one client, so that the next one can be accepted.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

fn admit<S>(tcp: TcpStream, clients: &Clients, tls: Option<&TlsAcceptor>, http: &Rc<S>)
where
    S: Service<(Stream, Protocol, Option<std::net::SocketAddr>)> + 'static,
{
    // Without it, events would wait for the acknowledgement of earlier ones.
    let _slower = tcp.set_nodelay(true);
    let Some(place) = clients.admit(Instant::now()) else {
        return;
    };
    let client = place.client();
    let (tls, http) = (tls.cloned(), Rc::clone(http));
    let task = actix::spawn(async move { serve(tcp, place, tls, &*http).await });
    Place::served_by(&client, task.abort_handle());
}

async fn serve<S>(tcp: TcpStream, place: Place, tls: Option<TlsAcceptor>, http: &S)
where
    S: Service<(Stream, Protocol, Option<std::net::SocketAddr>)>,
{
    let peer = tcp.peer_addr().ok();
    let io = match tls {
        None => Io::Plain(tcp),
        Some(tls) => match timeout(REQUEST_TIMEOUT, tls.accept(tcp)).await {
            Ok(Ok(stream)) => Io::Tls(Box::new(stream)),
            Ok(Err(_)) | Err(_) => return,
        },
    };
    let protocol = io.protocol();
    if protocol == Protocol::Http2 {
        place.speaks_http2();
    }
    let client = place.client();
    // The result concerns only this client.
    let stream = Stream {
        io,
        client,
        last_bytes: LastBytes::default(),
        is_shut: false,
    };
    let _ended = http.call((stream, protocol, peer)).await;
}

/// The connection of a client.
struct Stream {
    io: Io,
    client: Client,
    last_bytes: LastBytes,
    /// The end of our data was sent.
    is_shut: bool,
}

/// Whether the bytes that are being sent to a client are the last ones.
///
/// Actix waits another second for data from the client before it ends the connection. A client that
/// waits for the end would wait as long.
#[derive(Clone, Debug, Default)]
pub struct LastBytes(Rc<Cell<bool>>);

impl LastBytes {
    /// Nothing may be sent after the current bytes: the sending half is closed as soon as they are
    /// written.
    pub fn are_sent(&self) {
        self.0.set(true);
    }
}

enum Io {
    Plain(TcpStream),
    // Boxed: it is large, and most connections have none.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Io {
    fn protocol(&self) -> Protocol {
        match self {
            Self::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2") => Protocol::Http2,
            Self::Plain(_) | Self::Tls(_) => Protocol::Http1,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Io::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Io::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => ready!(Pin::new(tcp).poll_flush(cx))?,
            Io::Tls(tls) => ready!(Pin::new(tls).poll_flush(cx))?,
        }
        if self.last_bytes.0.get() && !self.is_shut {
            ready!(self.as_mut().poll_shutdown(cx))?;
            self.is_shut = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Io::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
