//! Twenty names that receive: how many messages a second arrive, and how long each was on its way.
//!
//! Run it with `cargo run --release --example feed [callback|stream|actor|all] [RATE|flood]`; RATE
//! is the number of messages a second for each name, by default 1,000. The delay in a flood is
//! mostly time in queues: the server writes as fast as the names read.

use std::{
    borrow::Borrow,
    env,
    error::Error,
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use actix::{Actor, Context, Handler};
use everwire::{
    Batch, ConnectionSettings, Delivery, Heartbeat, Manager, Overflow, Pattern, Settings, Update,
    hub::Kinds,
};
use parking_lot::Mutex;
use tungstenite::{Message, WebSocket};

type Failure = Box<dyn Error + Send + Sync>;

const NAMES: usize = 20;

/// The measurements of a reader.
#[derive(Clone)]
struct Notes {
    started: Instant,
    /// For each message: when it was received, and how long it was on its way, in microseconds.
    heard: Arc<Mutex<Vec<(u64, u64)>>>,
}

/// The parsed part of a message: `{"number":7,"sent":1500,"bid":…,"ask":…}`.
#[derive(serde::Deserialize)]
struct Tick {
    /// The time of sending, in microseconds since the start.
    sent: u64,
}

impl Notes {
    fn hear(&self, updates: impl IntoIterator<Item = impl Borrow<Update>>) {
        let mut heard = self.heard.lock();
        let now = self.started.elapsed().as_micros() as u64;
        for update in updates {
            let update = update.borrow();
            let message = update.message().map(|(_, message)| message.payload());
            match message.map(|payload| serde_json::from_slice::<Tick>(payload)) {
                Some(Ok(tick)) => heard.push((now, now.saturating_sub(tick.sent))),
                // The machine was suspended, or the message is not from our server.
                _ => println!("{update:?}"),
            }
        }
    }

    fn count(&self) -> usize {
        self.heard.lock().len()
    }

    /// The table line for all messages after the first `skipped`.
    fn line(&self, skipped: usize) -> String {
        let heard = self.heard.lock()[skipped..].to_vec();
        let (first, last) = heard
            .first()
            .zip(heard.last())
            .unwrap_or((&(0, 0), &(0, 0)));
        let rate = heard.len() as f64 * 1e6 / (last.0 - first.0).max(1) as f64;
        let mut delays: Vec<u64> = heard.iter().map(|(_, delay)| *delay).collect();
        delays.sort_unstable();
        let at = |part: f64| {
            let place = (delays.len().saturating_sub(1) as f64 * part) as usize;
            delays.get(place).map_or(0.0, |delay| *delay as f64 / 1e3)
        };
        let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
        format!("{rate:>12.0} {p50:>10.3} {p99:>10.3} {p999:>10.3}")
    }
}

/// An actor that receives all messages since its last turn.
struct Listener(Notes);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Batch> for Listener {
    type Result = ();

    fn handle(&mut self, batch: Batch, _ctx: &mut Self::Context) {
        self.0.hear(batch);
    }
}

/// Three ways to receive the same messages.
fn subscribe(manager: &Manager, reader: &str, notes: Notes) -> Result<(), Failure> {
    let kinds = Kinds::parse("message")?;
    // Nothing is dropped: if a reader is too slow, the sockets wait for it.
    let delivery = Delivery::default().kinds(kinds).overflow(Overflow::Pause);
    let delivery = delivery.events(65_536);
    match reader {
        // On the thread of the names, as soon as a read is decoded.
        "callback" => manager
            .on_batch(Pattern::all(), kinds, move |updates| notes.hear(updates))
            .forever(),
        // Here, in another thread than the names.
        "stream" => {
            let mut events = manager.subscribe(Pattern::all(), delivery);
            actix::spawn(async move {
                while let Some(batch) = events.next_batch().await {
                    notes.hear(batch);
                }
            });
        }
        "actor" => manager.subscribe_actor(Pattern::all(), Listener(notes).start(), delivery),
        other => return Err(format!("{other} is none of callback, stream, actor, all").into()),
    }
    Ok(())
}

/// Runs one reader, and returns its line of the table.
async fn run(reader: &str, rate: Option<u32>) -> Result<String, Failure> {
    let (time, step) = (seconds(2.0), seconds(0.5));
    let started = Instant::now();
    let heard = Arc::default();
    let notes = Notes { started, heard };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let manager = Manager::start(Settings::default())?;
    subscribe(&manager, reader, notes.clone())?;
    let mut settings = ConnectionSettings::new(format!("ws://{}/", listener.local_addr()?))?;
    settings.heartbeat = Heartbeat::Off; // the server does not read
    for number in 0..NAMES {
        manager.open(format!("feed-{number}"), settings.clone())?;
    }

    let server = actix_rt::task::spawn_blocking(move || serve(&listener, started, time, rate));
    let mut told = 0;
    while !server.is_finished() {
        actix::clock::sleep(step).await;
        println!("{reader:<10} {}", notes.line(told));
        told = notes.count();
    }
    // The sockets stay open until everything is received.
    let (sent, sockets) = server.await??;
    let all_is_heard = async {
        while notes.count() < sent {
            actix::clock::sleep(Duration::from_millis(1)).await;
        }
    };
    actix::clock::timeout(Duration::from_secs(10), all_is_heard).await?;
    let line = format!("{reader:<10} {}   {sent} sent and heard", notes.line(0));
    drop(sockets);
    manager.shutdown(Duration::from_secs(5)).await;
    Ok(line)
}

type Served = (usize, Vec<WebSocket<TcpStream>>);

/// A server on loopback: accepts all sockets, and writes to each in turn. Returns the number of
/// messages.
fn serve(
    listener: &TcpListener,
    started: Instant,
    time: Duration,
    rate: Option<u32>,
) -> Result<Served, Failure> {
    let mut sockets = Vec::new();
    for stream in listener.incoming().take(NAMES) {
        let stream = stream?;
        stream.set_nodelay(true)?;
        sockets.push(tungstenite::accept(stream)?);
    }
    // In a flood, many messages share a write; otherwise each has its own.
    let burst = if rate.is_some() { 1 } else { 100 };
    let begun = Instant::now();
    let mut number = 0;
    while begun.elapsed() < time {
        for socket in &mut sockets {
            for number in number..number + burst {
                let sent = started.elapsed().as_micros();
                let tick = format!(
                    r#"{{"number":{number},"sent":{sent},"bid":"27012.50","ask":"27013.00"}}"#
                );
                socket.write(Message::text(tick))?;
            }
            socket.flush()?;
        }
        number += burst;
        if let Some(rate) = rate {
            let next = begun + Duration::from_secs(number) / rate;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    }
    Ok((number as usize * NAMES, sockets))
}

#[actix::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let reader = arguments.next().unwrap_or_else(|| "all".to_owned());
    let rate = match arguments.next().as_deref() {
        Some("flood") => None,
        Some(rate) => Some(rate.parse()?),
        None => Some(1000),
    };
    let readers = match reader.as_str() {
        "all" => vec!["callback", "stream", "actor"],
        one => vec![one],
    };
    let head = format!(
        "{:<10} {:>12} {:>10} {:>10} {:>10}",
        "", "messages/s", "p50 ms", "p99 ms", "p99.9 ms"
    );
    println!("{head}");
    let mut table = Vec::new();
    for reader in readers {
        table.push(run(reader, rate).await?);
    }
    println!("\n{head}\n{}", table.join("\n"));
    Ok(())
}

/// A number of seconds, divided by EVERWIRE_EXAMPLE_SPEED if that is set.
fn seconds(count: f64) -> Duration {
    let speed = env::var("EVERWIRE_EXAMPLE_SPEED").ok();
    let speed = speed.and_then(|speed| speed.parse().ok()).unwrap_or(1.0);
    Duration::from_secs_f64(count / speed)
}
