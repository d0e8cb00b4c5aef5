//! Client CPU per echoed message, through a `Handle` and a subscriber, against prebuilt frames on raw TCP:
//! `cargo run --release --bin echo [IN_FLIGHT] [SIZE] [MESSAGES]`.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use everwire::{ConnectionName, ConnectionSettings, Event, Handle, Manager, Message, Pattern, Settings};
use everwire_benches::{PeerProcess, cpu, prepare};
use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};

const SOCKETS: usize = 50;
const PAIRS: usize = 7;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    prepare();
    let argument = |n, default| {
        std::env::args()
            .nth(n)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (in_flight, size) = (argument(1, 64), argument(2, 64));
    let messages = argument(3, 1_000_000) / SOCKETS * SOCKETS;
    let peer = PeerProcess::start().expect("a peer");
    let mut ratios: Vec<f64> = Vec::new();
    for pair in 1..=PAIRS {
        let raw = raw(&peer.url, in_flight, size, messages).await;
        let ours = ours(&peer.url, in_flight, size, messages).await;
        let micros = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
        ratios.push(ours.as_secs_f64() / raw.as_secs_f64());
        println!(
            "pair {pair}: raw {:.3} us, everwire {:.3} us, ratio {:.2}",
            micros(raw),
            micros(ours),
            ratios[pair - 1]
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{SOCKETS} sockets, {in_flight} in flight, {size} B: median ratio {:.2} ({:.2} to {:.2})",
        ratios[PAIRS / 2],
        ratios[0],
        ratios[PAIRS - 1]
    );
}

/// Frames that were built before, written and read on plain sockets: the limit.
async fn raw(url: &str, in_flight: usize, size: usize, messages: usize) -> Duration {
    let address = url.trim_start_matches("ws://").to_owned();
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        sockets.push(upgraded(&address).await.expect("an upgraded socket"));
    }
    let frame = frame(size);
    let before = cpu();
    join_all(sockets.iter_mut().map(async |socket| {
        let answer = frame.len() - 4;
        let mut buffer = vec![0; 64 << 10];
        socket.write_all(&frame.repeat(in_flight)).await.expect("a write");
        let (mut sent, mut received, each) = (in_flight, 0, messages / SOCKETS);
        let mut partial = 0;
        while received < each {
            let read = socket.read(&mut buffer).await.expect("a read") + partial;
            partial = read % answer;
            received += read / answer;
            let more = (read / answer).min(each.saturating_sub(sent));
            sent += more;
            if more > 0 {
                socket.write_all(&frame.repeat(more)).await.expect("a write");
            }
        }
    }))
    .await;
    cpu() - before
}

async fn upgraded(address: &str) -> std::io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let request = format!(
        "GET /echo HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await?);
    }
    Ok(socket)
}

/// A masked binary frame.
fn frame(size: usize) -> Vec<u8> {
    let mut frame = vec![0x82];
    match size {
        0..126 => frame.push(0x80 | size as u8),
        _ => {
            frame.push(0x80 | 126);
            frame.extend((size as u16).to_be_bytes());
        }
    }
    frame.extend([1, 2, 3, 4]);
    frame.extend(std::iter::repeat_n(7, size));
    frame
}

/// Named connections on one arbiter: a handle sends, and a subscriber to all answers each message with the next.
async fn ours(url: &str, in_flight: usize, size: usize, messages: usize) -> Duration {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    let manager = Manager::spawn(settings).expect("a manager");
    let handles: Arc<OnceLock<HashMap<ConnectionName, Client>>> = Arc::default();
    let (ready, mut is_ready) = mpsc::unbounded_channel();
    let (done, mut is_done) = mpsc::unbounded_channel();
    let message = Message::binary(vec![7; size]);
    let (clients, again) = (Arc::clone(&handles), message.clone());
    let _subscription = manager.on_event(Pattern::all(), move |event| match event {
        Event::Ready(_) => ready.send(()).expect("a listener"),
        Event::Message(stamp, _) => {
            let client = &clients.get().expect("clients")[&stamp.name];
            if client.left_to_send.fetch_sub(1, Ordering::Relaxed) > 0 {
                client.handle.send(again.clone()).expect("room");
            }
            if client.left_to_hear.fetch_sub(1, Ordering::Relaxed) == 1 {
                done.send(()).expect("a listener");
            }
        }
        _ => {}
    });
    let mut all = HashMap::new();
    for n in 0..SOCKETS {
        let settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
        let handle = manager.open(format!("n{n}"), settings).expect("a name");
        let each = (messages / SOCKETS) as i64;
        all.insert(
            handle.name().clone(),
            Client {
                handle,
                left_to_send: AtomicI64::new(each - in_flight as i64),
                left_to_hear: AtomicI64::new(each),
            },
        );
    }
    for _ in 0..SOCKETS {
        is_ready.recv().await.expect("a ready name");
    }
    assert!(handles.set(all).is_ok());
    let before = cpu();
    for client in handles.get().expect("clients").values() {
        for _ in 0..in_flight {
            client.handle.send(message.clone()).expect("room");
        }
    }
    for _ in 0..SOCKETS {
        is_done.recv().await.expect("the last message");
    }
    let used = cpu() - before;
    manager.shutdown(Duration::from_secs(5)).await;
    used
}

/// One name, and how many messages it has still to send and to hear.
struct Client {
    handle: Handle,
    left_to_send: AtomicI64,
    left_to_hear: AtomicI64,
}
