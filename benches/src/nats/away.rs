//! The server is away while messages come in at a steady rate: what the stream has in the end.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

use async_nats::{
    HeaderMap,
    jetstream::{self, Context, consumer::pull},
};
use everwire::{
    ConnectionSettings, Pattern,
    config::{NatsInSettings, NatsSettings},
};
use everwire_nats::{Bridge, BridgeStatus, Observer};
use futures::StreamExt;
use tokio::time::{sleep, timeout};

use crate::{nats::Server, ours::manager, process};

/// Each has a thousand messages a second.
pub const SOCKETS: usize = 10;
const A_SECOND: u64 = 1000;
/// Before and after the outage.
const AROUND: Duration = Duration::from_secs(3);
/// Until all is in the stream, and for the next message of it.
const PATIENCE: Duration = Duration::from_secs(180);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    pub sent: usize,
    /// Messages that are not in the stream.
    pub lost: usize,
    /// Messages that a reader did not have in their order, or behind another one than was told.
    pub misplaced: usize,
    /// Messages that are in the stream once more, which a reader drops.
    pub doubled: usize,
    /// The most that waited on disk, in messages and bytes, and how large the files were.
    pub spooled: u64,
    pub spooled_bytes: u64,
    pub files: u64,
    /// By how much the memory of the process grew, in bytes.
    pub memory: u64,
    /// From the return of the server until nothing waited any more.
    pub caught_up: Duration,
}

/// All numbers, in this order; the time in seconds.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [sent, lost, misplaced, doubled] = [self.sent, self.lost, self.misplaced, self.doubled];
        write!(f, "{sent} {lost} {misplaced} {doubled} ")?;
        let [spooled, bytes] = [self.spooled, self.spooled_bytes];
        let caught_up = self.caught_up.as_secs_f64();
        write!(
            f,
            "{spooled} {bytes} {} {} {caught_up}",
            self.files, self.memory
        )
    }
}

/// A server that is killed, away for so long, and started again on what it has stored.
pub async fn outage(url: &str, away: Duration) -> Seen {
    let mut server = Server::start();
    let manager = manager(1);
    let bridge = bridge(&manager, &server);
    while bridge.status().server.is_none() {
        sleep(Duration::from_millis(5)).await;
    }
    let time = away + 2 * AROUND;
    let each = time.as_secs() * A_SECOND;
    let path = format!("{url}/ticks?count={each}&micros={}", 1_000_000 / A_SECOND);
    for n in 0..SOCKETS {
        let settings = ConnectionSettings::new(&path).expect("a URL");
        manager.open(format!("n{n}"), settings).expect("a name");
    }
    sleep(AROUND).await;
    let mut seen = Seen {
        sent: each as usize * SOCKETS,
        ..Seen::default()
    };
    let before = process::resident();
    server.kill();
    let begin = Instant::now();
    while begin.elapsed() < away {
        seen.look(&bridge, &server, before);
        sleep(Duration::from_millis(100)).await;
    }
    server.restart();
    let back = Instant::now();
    let context = jetstream::new(async_nats::connect(&server.url).await.expect("a server"));
    while stored(&context).await < seen.sent {
        assert!(back.elapsed() < PATIENCE, "{:?}", bridge.status());
        seen.look(&bridge, &server, before);
        let is_left = bridge.status().inbound.spool_messages > 0;
        if is_left || seen.caught_up.is_zero() {
            seen.caught_up = back.elapsed();
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(bridge.status().inbound.dropped.is_empty());
    seen.read(&context, each).await;
    seen
}

fn bridge(manager: &everwire::Manager, server: &Server) -> Bridge {
    let mut settings = NatsSettings::new(vec![server.url.clone()]);
    settings.inbound = Some(NatsInSettings::new(Pattern::all()));
    let observer = Observer::new(|report| eprintln!("{report}"));
    Bridge::start(manager.clone(), settings, &server.folder, observer).expect("a bridge")
}

async fn stored(context: &Context) -> usize {
    match context.get_stream("EVERWIRE_IN").await {
        Ok(stream) => stream.cached_info().state.messages as usize,
        Err(_) => 0,
    }
}

/// What a reader knows of a name.
#[derive(Default)]
struct Known {
    /// Its highest place, and that place as the next message names it.
    highest: (u32, u64),
    previous: Option<String>,
    /// The number that the peer gave to the last message.
    number: u64,
    count: u64,
}

impl Seen {
    fn look(&mut self, bridge: &Bridge, server: &Server, before: u64) {
        let BridgeStatus { inbound, .. } = bridge.status();
        self.spooled = self.spooled.max(inbound.spool_messages);
        self.spooled_bytes = self.spooled_bytes.max(inbound.spool_bytes);
        self.memory = self.memory.max(process::resident().saturating_sub(before));
        let file = |ending: &str| {
            let path = server.folder.join(format!("nats-spool.sqlite3{ending}"));
            path.metadata().map_or(0, |file| file.len())
        };
        self.files = self.files.max(file("") + file("-wal"));
    }

    /// Reads the stream as docs/nats.md tells readers to.
    async fn read(&mut self, context: &Context, each: u64) {
        let stream = context.get_stream("EVERWIRE_IN").await.expect("a stream");
        let count = stream.cached_info().state.messages;
        let consumer = stream.create_consumer(pull::OrderedConfig::default());
        let consumer = consumer.await.expect("a consumer");
        let mut messages = consumer.messages().await.expect("messages");
        let mut names: HashMap<String, Known> = HashMap::new();
        for _ in 0..count {
            let message = timeout(PATIENCE, messages.next()).await.expect("a message");
            let message = message.expect("a message").expect("a message");
            let known = names.entry(message.subject.to_string()).or_default();
            let headers = message.headers.as_ref().expect("headers");
            self.judge(known, headers, &message.payload);
        }
        assert_eq!(names.len(), SOCKETS);
        let missing = names.values().map(|known| each.saturating_sub(known.count));
        self.lost = missing.sum::<u64>() as usize;
    }

    fn judge(&mut self, known: &mut Known, headers: &HeaderMap, payload: &[u8]) {
        let text = |name: &str| headers.get(name).map(|value| value.as_str());
        let number = |name: &str| {
            text(name)
                .and_then(|text| text.parse().ok())
                .expect("a number")
        };
        let place = (number("Everwire-Epoch") as u32, number("Everwire-Seq"));
        if place <= known.highest {
            self.doubled += 1;
            return;
        }
        let told = text("Everwire-Previous");
        let is_told = told == known.previous.as_deref() && text("Everwire-Gap").is_none();
        let number = tick(payload);
        self.misplaced += usize::from(!is_told || number != known.number + 1);
        known.highest = place;
        known.previous = Some(format!("{}/{}", place.0, place.1));
        known.number = number;
        known.count += 1;
    }
}

/// The number that the peer gave to a message.
fn tick(payload: &[u8]) -> u64 {
    let digits = payload.strip_prefix(br#"{"tick":"#).expect("a tick");
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
