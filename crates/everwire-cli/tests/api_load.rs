//! Many downstream clients at once, some of which never read.

mod service_support;

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use everwire::testing::Peer;
use serde_json::{Value, json};
use service_support::{
    SOON,
    http::{Client, Service},
    sse::Sse,
    ws::Socket,
};

const LOOPBACK: &str = "allow_urls = ['ws://127.0.0.1:*']";

/// The feeds, and the number of messages of each: within the limit of a client.
const FEEDS: [&str; 4] = ["a-1", "a-2", "b-1", "b-2"];
const MESSAGES: u64 = 1500;
/// Additional messages of 64 KiB for clients that never read: more than the kernel and their limits
/// hold.
const FLOOD: u64 = 1000;

/// The events of a client, checked as they arrive: none is missing, none comes twice.
struct Heard {
    seqs: BTreeMap<&'static str, u64>,
    messages: u64,
    cursor: u64,
}

impl Heard {
    fn of(names: &[&'static str]) -> Self {
        Self {
            seqs: names.iter().map(|name| (*name, 0)).collect(),
            messages: 0,
            cursor: 0,
        }
    }

    /// Notes one event. Returns whether more are to come.
    fn event(&mut self, event: &Value) -> bool {
        let seq = self
            .seqs
            .get_mut(event["name"].as_str().unwrap_or_default());
        let seq = seq.unwrap_or_else(|| panic!("not asked for: {event}"));
        *seq += 1;
        assert_eq!(event["seq"], *seq, "{event}");
        let cursor = u64::from_str_radix(event["cursor"].as_str().unwrap(), 16).unwrap();
        assert!(cursor > self.cursor, "{event}");
        self.cursor = cursor;
        self.messages += u64::from(event["type"] == "message");
        self.messages < MESSAGES * self.seqs.len() as u64
    }
}

fn read_sse(client: &Client, names: &[&'static str]) -> impl FnOnce() + Send + 'static {
    let target = format!("/v1/events?match={}", names.join(","));
    let (mut sse, _) = Sse::started(client, &target, &[]);
    let mut heard = Heard::of(names);
    move || while heard.event(&sse.next().data) {}
}

fn read_ws(client: &Client, names: &[&'static str]) -> impl FnOnce() + Send + 'static {
    let mut ws = subscribed(client, &names.join(","));
    let mut heard = Heard::of(names);
    move || while heard.event(&ws.next_json()) {}
}

fn subscribed(client: &Client, pattern: &str) -> Socket {
    let mut ws = Socket::open(client, "/v1/ws", &[]);
    ws.ask(&json!({ "op": "subscribe", "id": "s", "match": pattern }));
    assert_eq!(ws.answer("s")["type"], "ack");
    ws
}

#[test]
fn clients_that_never_read_cost_the_others_nothing() {
    let peer = Peer::spawn_thread().unwrap();
    let service = Service::start("load", LOOPBACK);
    let (stuck_sse, _) = Sse::started(&service, "/v1/events", &[]);
    let stuck_ws = subscribed(&service, "*");
    let mut readers: Vec<thread::JoinHandle<()>> = Vec::new();
    for names in [&FEEDS[..2], &FEEDS[2..], &[FEEDS[0], FEEDS[2]]] {
        readers.push(thread::spawn(read_sse(&service, names)));
        readers.push(thread::spawn(read_ws(&service, names)));
    }
    let before = service.running.resident_mib();

    let open = |name: &str, path: String| {
        let settings = json!({ "url": peer.url(&path) });
        assert_eq!(service.put(name, &settings).status, 201);
    };
    open("flood", format!("/flood?size=65536&count={FLOOD}"));
    for name in FEEDS {
        open(name, format!("/feed?every=1ms&count={MESSAGES}"));
    }
    for reader in readers {
        reader.join().unwrap();
    }
    service.wait_for("flood", "the flood", |status| {
        status["received"]["messages"] == FLOOD
    });
    let grown = service.running.resident_mib().saturating_sub(before);
    let flood = FLOOD * 64 / 1024;
    assert!(grown < flood / 2, "{grown} MiB of {flood} MiB");
    for stuck in [stuck_sse.tcp(), stuck_ws.inside.get_ref()] {
        assert_lagged_or_cut(stuck);
    }
}

/// Reads until the client is told that it was too slow, or the kernel has given up.
fn assert_lagged_or_cut(mut stuck: &TcpStream) {
    const LAGGED: &[u8] = br#""type":"lagged""#;
    let until = Instant::now() + SOON;
    let (mut seen, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
    loop {
        assert!(Instant::now() < until, "it is told everything");
        match stuck.read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            // A present client receives something every 15 s: the kernel has given up silently.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return assert_reset(stuck),
            Err(error) => panic!("{error}"),
            Ok(read) => seen.extend_from_slice(&buffer[..read]),
        }
        if seen.windows(LAGGED.len()).any(|part| part == LAGGED) {
            return;
        }
        // Keeps a possible beginning of it.
        seen.drain(..seen.len().saturating_sub(LAGGED.len()));
    }
}

/// Data from a client that was given up is answered by a reset.
fn assert_reset(mut stuck: &TcpStream) {
    let until = Instant::now() + SOON;
    while stuck.write_all(b"\r\n").is_ok() {
        assert!(Instant::now() < until, "it is still connected");
        thread::sleep(Duration::from_millis(50));
    }
}
