//! The cost of receiving: a peer sends, and the subscriber's code counts.
//!
//! A sample dials its sockets and receives some messages that are not measured. Then it tells the
//! peer to begin again. From there to the last message, it measures the processor time of the
//! process and the real time. So neither dials nor the first allocations count. It fails if a
//! message is lost or comes twice.
//!
//! To run it by hand: `everwire-benches peer` prints its address and runs until its input ends. In
//! another shell, `everwire-benches sample feed actor-batches+same ws://127.0.0.1:PORT flood 50 185
//! 2000000 < /dev/null` prints an [`Outcome`].

mod bare;
mod ezsockets;
mod meter;
mod nats;
mod ours;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    time::timeout,
};
use tokio_rustls::rustls::pki_types::ServerName;

use self::meter::Meter;
use crate::{
    peer::{self, feed::Stream},
    process::cpu,
};

/// A sample that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The interval of messages on a socket in the modes with a rate.
const INTERVAL: Duration = Duration::from_millis(1);

/// The number of warm-up messages.
const WARM_FLOOD: usize = 100_000;
const WARM_PACED: Duration = Duration::from_millis(300);

/// The pattern of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As fast as they are read.
    Flood,
    /// A thousand a second on each socket: once a millisecond, all sockets get one in turn.
    Paced,
    /// The same, with the sockets spread evenly over the millisecond.
    Spread,
}

/// The load that the peer sends.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub mode: Mode,
    pub sockets: usize,
    pub size: usize,
    /// The number over all sockets.
    pub messages: usize,
}

impl Load {
    /// From the arguments `MODE SOCKETS SIZE MESSAGES`.
    fn parse(arguments: &[String]) -> Self {
        let number = |n: usize| arguments[n].parse().expect("a number");
        Self {
            mode: match arguments[0].as_str() {
                "flood" => Mode::Flood,
                "paced" => Mode::Paced,
                "spread" => Mode::Spread,
                other => panic!("no such mode: {other}"),
            },
            sockets: number(1),
            size: number(2),
            messages: number(3),
        }
    }

    /// The arguments that [`parse`](Self::parse) reads.
    pub fn arguments(&self) -> [String; 4] {
        let mode = format!("{:?}", self.mode).to_lowercase();
        let [sockets, size, messages] = [self.sockets, self.size, self.messages];
        [
            mode,
            sockets.to_string(),
            size.to_string(),
            messages.to_string(),
        ]
    }

    fn each(&self) -> usize {
        self.messages / self.sockets
    }

    fn warm_each(&self) -> usize {
        match self.mode {
            Mode::Flood => WARM_FLOOD.min(self.messages) / self.sockets,
            Mode::Paced | Mode::Spread => WARM_PACED.div_duration_f64(INTERVAL) as usize,
        }
    }

    /// The path to request from the peer.
    fn path(&self, is_numbered: bool) -> String {
        let interval = INTERVAL.as_micros();
        let pace = match self.mode {
            Mode::Flood => String::new(),
            Mode::Paced => format!("&micros={interval}&step={interval}"),
            Mode::Spread => format!("&micros={interval}&step=1"),
        };
        let numbered = if is_numbered { "&numbered=1" } else { "" };
        format!(
            "/feed?sockets={}&size={}&warm={}&count={}{pace}{numbered}",
            self.sockets,
            self.size,
            self.warm_each(),
            self.each()
        )
    }

    /// A meter for everything, this number of times.
    fn meter(&self, times: usize) -> Arc<Meter> {
        let count = |each: usize| (each * self.sockets * times) as u64;
        let has_delays = self.mode != Mode::Flood;
        Arc::new(Meter::new(
            self.size,
            count(self.warm_each()),
            count(self.each()),
            has_delays,
        ))
    }
}

/// The result of a sample.
pub struct Outcome {
    /// The processor time for each message from the peer, whatever the number of subscribers.
    cpu: Duration,
    messages: usize,
    took: Duration,
    delays: [Duration; 3],
}

/// The processor time of a message in microseconds and the messages a second; then the delays in
/// microseconds: the median, 99 %, 99.9 %.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let [median, p99, p999] = self.delays.map(micros);
        write!(
            f,
            "{} {} {median} {p99} {p999}",
            micros(self.cpu) / self.messages as f64,
            self.messages as f64 / self.took.as_secs_f64()
        )
    }
}

/// Runs `SUBJECT URL MODE SOCKETS SIZE MESSAGES [CA_FILE]`.
pub fn sample(subject: &str, url: &str, rest: &[String], runtime: &Runtime) -> Outcome {
    let peer = Peer {
        url,
        load: Load::parse(rest),
        ca_file: rest.get(4).map(String::as_str),
    };
    if let Some(asked) = ours::Asked::parse(subject) {
        return match asked.needs_system() {
            true => actix::System::new().block_on(ours::sample(&peer, asked)),
            false => runtime.block_on(ours::sample(&peer, asked)),
        };
    }
    if let Some((subject, server)) = subject.split_once('@') {
        return runtime.block_on(async {
            match subject {
                "bridge" => nats::bridged(&peer, server).await,
                _ => nats::published(&peer, server).await,
            }
        });
    }
    runtime.block_on(async {
        match subject {
            "ezsockets" => ezsockets::sample(&peer).await,
            _ => bare::sample(&peer, subject).await,
        }
    })
}

/// The source of the messages.
struct Peer<'a> {
    url: &'a str,
    load: Load,
    ca_file: Option<&'a str>,
}

impl Peer<'_> {
    /// Waits for all requested messages.
    async fn measure(&self, meter: &Meter) -> Outcome {
        let load = &self.load;
        let waited = timeout(PATIENCE, async {
            match self.ca_file {
                None => self.measured(self.tcp("/feed-go").await, meter).await,
                Some(ca_file) => {
                    let go = self.tls("/feed-go", ca_file).await;
                    self.measured(go, meter).await
                }
            }
        });
        waited.await.unwrap_or_else(|_| {
            panic!("only {} messages came of {load:?}", meter.heard());
        })
    }

    async fn measured(&self, mut go: impl Stream, meter: &Meter) -> Outcome {
        meter.mark().await;
        let (before, start) = (cpu(), Instant::now());
        go.write_all(&[1]).await.expect("a write");
        go.flush().await.expect("a write");
        meter.mark().await;
        let (cpu, took) = (cpu() - before, start.elapsed());
        Outcome {
            cpu,
            messages: self.load.each() * self.load.sockets,
            took,
            delays: [0.5, 0.99, 0.999].map(|share| meter.delay(share)),
        }
    }

    /// An upgraded socket.
    async fn tcp(&self, path: &str) -> TcpStream {
        let address = self
            .url
            .trim_start_matches("ws://")
            .trim_start_matches("wss://");
        let mut socket = TcpStream::connect(address).await.expect("a socket");
        socket.set_nodelay(true).expect("a socket");
        if self.ca_file.is_none() {
            upgrade(&mut socket, path).await;
        }
        socket
    }

    /// The same over TLS.
    async fn tls(&self, path: &str, ca_file: &str) -> impl Stream + use<> {
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let socket = self.tcp(path).await;
        let stream = peer::connector(ca_file).connect(name, socket).await;
        let mut stream = stream.expect("a TLS stream");
        upgrade(&mut stream, path).await;
        stream
    }
}

/// Requests a path, and reads exactly the head of the answer.
async fn upgrade(stream: &mut impl Stream, path: &str) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("a write");
    stream.flush().await.expect("a write");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
}
