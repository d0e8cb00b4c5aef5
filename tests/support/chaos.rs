//! A proxy on loopback whose links are slow, split data into pieces, and end badly.
//!
//! The adapters of `tokio-netem` make a link slow, and are adjusted while it carries data. The end
//! of a link is counted in bytes here, so that it happens within a frame as easily as between two.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use futures::future::{Either, select};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::sleep,
};
use tokio_netem::{
    delayer::DynamicDuration, io::NetEmWriteExt as _, slicer::DynamicSize, throttler::DynamicRate,
};

/// How a link ends after a number of bytes in both directions together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Both sides get a reset.
    Reset,
    /// Nothing arrives any more, and neither side learns of it.
    BlackHole,
    /// The client gets a FIN; the server learns of it seconds later.
    SlowClose,
}

/// The properties of a link: zero means no fault.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// The delay before each piece.
    pub delay: Duration,
    /// Bytes per second.
    pub rate: usize,
    /// Bytes per piece.
    pub piece: usize,
    /// After how many bytes it ends, and how; `None`: it never ends.
    pub end: Option<(u64, End)>,
}

/// A proxy in its own thread, until it is dropped.
pub struct Proxy {
    addr: SocketAddr,
    weather: Arc<Weather>,
    /// The thread ends when this is dropped.
    _alive: oneshot::Sender<()>,
}

/// The properties of the next links, and the controls of the present ones.
struct Weather {
    fair: AtomicBool,
    next: Mutex<Box<dyn FnMut() -> Link + Send>>,
    knobs: Mutex<Vec<Knobs>>,
    ended: AtomicU64,
}

#[derive(Clone)]
struct Knobs {
    delay: Arc<DynamicDuration>,
    rate: Arc<DynamicRate>,
    piece: Arc<DynamicSize>,
}

impl Proxy {
    /// Forwards to this port on loopback; `next` returns the properties of each new link.
    pub fn start(port: u16, next: impl FnMut() -> Link + Send + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let addr = listener.local_addr().unwrap();
        let weather = Arc::new(Weather {
            fair: AtomicBool::new(false),
            next: Mutex::new(Box::new(next)),
            knobs: Mutex::default(),
            ended: AtomicU64::new(0),
        });
        let (alive, end) = oneshot::channel::<()>();
        let shared = Arc::clone(&weather);
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, port, shared) => {}
                    _ = end => {}
                }
            });
        });
        Self {
            addr,
            weather,
            _alive: alive,
        }
    }

    /// The `ws://` URL of a path through the proxy.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// From now on all links are fast, and no further link is cut.
    pub fn clear_up(&self) {
        self.weather.fair.store(true, Ordering::SeqCst);
        let mut known = self.weather.knobs.lock().unwrap();
        known.drain(..).for_each(|knobs| knobs.loosen());
    }

    /// The number of links that were cut.
    pub fn ended(&self) -> u64 {
        self.weather.ended.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, port: u16, weather: Arc<Weather>) {
    loop {
        // If descriptors have run out, a later attempt may succeed.
        let Ok((client, _)) = listener.accept().await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let weather = Arc::clone(&weather);
        tokio::spawn(async move {
            // Links are meant to break: both sides see it themselves.
            let _broken = carry(client, port, &weather).await;
        });
    }
}

/// Carries one link from its beginning to its end.
async fn carry(mut client: TcpStream, port: u16, weather: &Weather) -> io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let link = weather.next_link();
    let knobs = weather.knobs_of(&link);
    let left = AtomicU64::new(link.end.map_or(u64::MAX, |(bytes, _)| bytes));
    let is_cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = pin!(copy(from_client, knobs.over(to_server), &left, weather));
        let down = pin!(copy(from_server, knobs.over(to_client), &left, weather));
        match select(up, down).await {
            Either::Left((cut, down)) => cut? || down.await?,
            Either::Right((cut, up)) => cut? || up.await?,
        }
    };
    if let (true, Some((_, end))) = (is_cut, link.end) {
        weather.ended.fetch_add(1, Ordering::Relaxed);
        end.of(client, server).await?;
    }
    Ok(())
}

/// Carries one direction, to its orderly end, or (true) until the link is cut.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    left: &AtomicU64,
    weather: &Weather,
) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            to.shutdown().await?;
            return Ok(false);
        }
        let room = match weather.is_fair() {
            true => u64::MAX,
            false => left.load(Ordering::Relaxed),
        };
        let pass = count.min(usize::try_from(room).unwrap_or(usize::MAX));
        left.fetch_sub(pass as u64, Ordering::Relaxed);
        to.write_all(&buffer[..pass]).await?;
        if pass < count {
            return Ok(true);
        }
    }
}

impl End {
    async fn of(self, mut client: TcpStream, server: TcpStream) -> io::Result<()> {
        match self {
            Self::Reset => {
                for side in [&client, &server] {
                    SockRef::from(side).set_linger(Some(Duration::ZERO))?;
                }
            }
            // Longer than any test waits.
            Self::BlackHole => sleep(Duration::from_secs(60)).await,
            Self::SlowClose => {
                client.shutdown().await?;
                sleep(Duration::from_secs(2)).await;
            }
        }
        drop((client, server));
        Ok(())
    }
}

impl Weather {
    fn is_fair(&self) -> bool {
        self.fair.load(Ordering::SeqCst)
    }

    fn next_link(&self) -> Link {
        match self.is_fair() {
            true => Link::default(),
            false => (self.next.lock().unwrap())(),
        }
    }

    fn knobs_of(&self, link: &Link) -> Knobs {
        let knobs = Knobs {
            delay: DynamicDuration::new(link.delay),
            rate: DynamicRate::new(link.rate),
            piece: DynamicSize::new(link.piece),
        };
        let mut known = self.knobs.lock().unwrap();
        known.push(knobs.clone());
        // The end was drawn before the links were cleared, and its count is reached afterwards.
        if self.is_fair() {
            known.drain(..).for_each(|knobs| knobs.loosen());
        }
        knobs
    }
}

impl Knobs {
    fn over(&self, writer: impl AsyncWrite + Unpin) -> impl AsyncWrite + Unpin {
        writer
            .slice_writes_dyn(Arc::clone(&self.piece))
            .throttle_writes_dyn(Arc::clone(&self.rate))
            .delay_writes_dyn(Arc::clone(&self.delay))
    }

    fn loosen(&self) {
        self.delay.set(Duration::ZERO);
        self.rate.set(0);
        self.piece.set(0);
    }
}
