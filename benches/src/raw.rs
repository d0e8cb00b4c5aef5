//! The limit: prebuilt frames on plain tokio sockets, one task each.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
};

use crate::{
    load::{Load, SOCKETS},
    peer::upgraded,
    process::{cpu, resident},
};

/// The default length of a name's history.
const KEPT: usize = 100;

/// The CPU time for echoing `load`. With `keeps`, each socket copies the received messages into a
/// ring of the last hundred.
pub async fn echo(url: &str, load: Load, keeps: bool) -> Duration {
    let mut sockets = Vec::new();
    for _ in 0..SOCKETS {
        let socket = upgraded(address(url)).await.expect("an upgraded socket");
        let kept = vec![vec![0; load.size]; if keeps { KEPT } else { 0 }];
        sockets.push((socket, kept));
    }
    let batch: Arc<[u8]> = frame(load.size).repeat(load.in_flight).into();
    let before = cpu();
    let mut tasks = JoinSet::new();
    for (socket, kept) in sockets {
        tasks.spawn(ping_pong(socket, Arc::clone(&batch), load, kept));
    }
    tasks.join_all().await;
    cpu() - before
}

/// Answers the frames that a read completed with one write of as many frames.
async fn ping_pong(mut socket: TcpStream, batch: Arc<[u8]>, load: Load, mut kept: Vec<Vec<u8>>) {
    let frame = batch.len() / load.in_flight;
    let (echoed, each) = (frame - 4, load.messages / SOCKETS);
    let mut buffer = vec![0; 64 << 10];
    let (mut sent, mut received, mut partial) = (load.in_flight, 0, 0);
    socket.write_all(&batch).await.expect("a write");
    while received < each {
        let read = partial + socket.read(&mut buffer).await.expect("a read");
        if !kept.is_empty() {
            for (n, frame) in buffer[..read].chunks_exact(echoed).enumerate() {
                let place = (received + n) % KEPT;
                kept[place].copy_from_slice(&frame[echoed - load.size..]);
            }
        }
        partial = read % echoed;
        received += read / echoed;
        let more = (read / echoed).min(each - sent);
        sent += more;
        if more > 0 {
            socket
                .write_all(&batch[..more * frame])
                .await
                .expect("a write");
        }
    }
}

/// The time of each of a number of frames of this size that are written at once and echoed,
/// repeatedly.
pub async fn round_trips(url: &str, size: usize, at_once: usize, rounds: usize) -> Vec<Duration> {
    let mut socket = upgraded(address(url)).await.expect("an upgraded socket");
    let batch = frame(size).repeat(at_once);
    // The peer does not mask.
    let echoed = batch.len() / at_once - 4;
    let mut buffer = vec![0; 64 << 10];
    let mut all = Vec::with_capacity(at_once * rounds);
    for _ in 0..rounds {
        let (start, mut read, mut seen) = (Instant::now(), 0, 0);
        socket.write_all(&batch).await.expect("a write");
        while seen < at_once {
            read += socket.read(&mut buffer).await.expect("a read");
            let whole = read / echoed;
            all.extend(std::iter::repeat_n(start.elapsed(), whole - seen));
            seen = whole;
        }
    }
    all
}

/// Idle sockets: the memory of each, in bytes.
pub async fn idle(url: &str, count: usize) -> f64 {
    let before = resident();
    let _sockets = dial_all(url, count).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    (resident() - before) as f64 / count as f64
}

/// The CPU time for dialling and upgrading, 64 at a time.
pub async fn dial(url: &str, count: usize) -> (Duration, Duration) {
    let (before, start) = (cpu(), Instant::now());
    let _sockets = dial_all(url, count).await;
    (cpu() - before, start.elapsed())
}

async fn dial_all(url: &str, count: usize) -> Vec<TcpStream> {
    let budget = Arc::new(Semaphore::new(64));
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (budget, address) = (Arc::clone(&budget), address(url).to_owned());
        tasks.spawn(async move {
            let _permit = budget.acquire().await.expect("a budget");
            upgraded(&address).await.expect("an upgraded socket")
        });
    }
    tasks.join_all().await
}

fn address(url: &str) -> &str {
    url.trim_start_matches("ws://")
}

/// A masked binary frame.
fn frame(size: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    crate::peer::push_header(0x82, size, &mut frame);
    frame[1] |= 0x80;
    frame.extend([1, 2, 3, 4]);
    frame.extend(std::iter::repeat_n(7, size));
    frame
}
