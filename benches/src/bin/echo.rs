//! Client CPU per echoed message, through a `Handle` and a subscriber, against prebuilt frames on raw TCP:
//! `cargo run --release --bin echo [IN_FLIGHT] [SIZE] [MESSAGES]`.

use std::{collections::HashMap, time::Duration};

use everwire::{ConnectionSettings, Delivery, Event, Manager, Message, Pattern, Settings};
use everwire_benches::{PeerProcess, cpu, prepare};
use futures::{StreamExt, future::join_all};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
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

/// Named connections, each with a handle that sends, and one subscriber to all.
async fn ours(url: &str, in_flight: usize, size: usize, messages: usize) -> Duration {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    let manager = Manager::spawn(settings).expect("a manager");
    let mut events = manager.subscribe(Pattern::all(), Delivery::default().events(SOCKETS * in_flight * 4));
    let mut handles = HashMap::new();
    for n in 0..SOCKETS {
        let settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
        let handle = manager.open(format!("n{n}"), settings).expect("a name");
        handles.insert(handle.name().clone(), (handle, messages / SOCKETS));
    }
    let mut ready = 0;
    while ready < SOCKETS {
        ready += usize::from(matches!(events.next().await, Some(Event::Ready(_))));
    }
    let message = Message::binary(vec![7; size]);
    let before = cpu();
    for (handle, left) in handles.values_mut() {
        for _ in 0..in_flight {
            handle.send(message.clone()).expect("room");
            *left -= 1;
        }
    }
    let mut received = 0;
    while received < messages {
        match events.next().await {
            Some(Event::Message(stamp, _)) => {
                received += 1;
                if let Some((handle, left)) = handles.get_mut(&stamp.name).filter(|(_, left)| *left > 0) {
                    *left -= 1;
                    handle.send(message.clone()).expect("room");
                }
            }
            Some(Event::Lagged { missed, .. }) => panic!("{missed} events missed"),
            Some(_) => {}
            None => panic!("the stream ended"),
        }
    }
    let used = cpu() - before;
    manager.shutdown(Duration::from_secs(5)).await;
    used
}
