//! Reported: an outbox with `on_loss = "resend"` never drained. The server read some messages,
//! answered each ping that it read, and died; the client's only ping came after the whole backlog,
//! so nothing was ever confirmed, and the same first messages were sent again and again.
//!
//! The kind: a batch that must succeed as a whole. So peers die after each number of messages, on
//! real sockets, and the backlog must drain. A pong that is in our kernel when the peer is gone
//! must count.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Instant,
};

use everwire::{
    ConnectionSettings, Fate,
    config::{Heartbeat, Resend},
};
use tokio::time::timeout;

use crate::{
    raw::{CLOSE, PING, PONG, RawPeer, RawSocket, TEXT},
    support::{SOON, rig::*},
};

/// How often each message arrived.
type Arrived = Arc<Mutex<BTreeMap<String, u64>>>;

/// An outbox that resends messages in doubt, to a peer that is redialled at once.
fn keeping(url: &str) -> ConnectionSettings {
    let mut settings = quick(url);
    settings.outbox.resend = Resend::InDoubt;
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(3_600_000),
        timeout: ms(20_000),
    };
    with_backoff(&mut settings, |backoff| {
        backoff.min = ms(1);
        backoff.initial = ms(1);
        backoff.max = ms(5);
    });
    settings
}

/// Reads this many messages, answers each ping including those directly after the last message, and
/// resets.
fn serve_until(mut socket: RawSocket, life: u64, arrived: &Arrived) -> std::io::Result<()> {
    let mut read = 0;
    loop {
        match socket.frame()? {
            (TEXT, payload) => {
                if read == life {
                    return socket.reset();
                }
                read += 1;
                let text = String::from_utf8(payload).unwrap();
                *arrived.lock().unwrap().entry(text).or_default() += 1;
            }
            (PING, payload) => {
                socket.send(PONG, &payload)?;
                if read == life {
                    return socket.reset();
                }
            }
            (CLOSE, payload) => return socket.send(CLOSE, &payload),
            _ => {}
        }
    }
}

/// Reads this many messages, answers no ping, and resets.
fn die_after(mut socket: RawSocket, messages: u64) -> std::io::Result<()> {
    let mut read = 0;
    while read < messages {
        let (opcode, _) = socket.frame()?;
        read += u64::from(opcode == TEXT);
    }
    socket.reset()
}

async fn drains_into_peers_that_die_after(life: u64) {
    const MESSAGES: u64 = 400;
    let arrived = Arrived::default();
    let seen = Arc::clone(&arrived);
    let sockets = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = Arc::clone(&sockets);
    let peer = RawPeer::start(None, move |_, socket| {
        counted.fetch_add(1, Ordering::Relaxed);
        serve_until(socket, life, &seen)
    });
    let manager = one_arbiter();
    let feed = manager.open("feed", keeping(&peer.url)).unwrap();
    let (mut last, start) = (None, Instant::now());
    for number in 0..MESSAGES {
        last = Some(feed.send(format!("message {number}")).unwrap());
    }
    let fate = timeout(4 * SOON, last.unwrap().fate(Fate::Confirmed)).await;
    assert_eq!(fate, Ok(Fate::Confirmed), "after {life}: no progress");
    let (took, written) = (start.elapsed(), feed.status().await.unwrap().sent.messages);
    manager.shutdown(SOON).await;
    let arrived = arrived.lock().unwrap();
    assert_eq!(arrived.len() as u64, MESSAGES, "confirmed, and not arrived");
    let doubled: u64 = arrived.values().map(|times| times - 1).sum();
    let sockets = sockets.load(Ordering::Relaxed);
    println!(
        "peers that die after {life}: {written} written, {sockets} sockets, {doubled} arrived twice, drained in {took:.1?}"
    );
    // One for each message, and one after the last. The very first may confirm nothing: if all
    // messages were queued before it was up, it writes many before its first ping, and the peer
    // dies between them.
    assert!(sockets <= MESSAGES + 2, "{sockets} sockets");
}

#[tokio::test]
async fn a_backlog_drains_into_peers_that_die_after_one_message() {
    drains_into_peers_that_die_after(1).await;
}

#[tokio::test]
async fn a_backlog_drains_into_peers_that_die_after_a_few_messages() {
    for life in [2, 5, 40, 400] {
        drains_into_peers_that_die_after(life).await;
    }
}

/// The first socket reads a message and its ping, sends 2,000 frames, answers the ping after them,
/// and resets. The message must be confirmed and not arrive again, whether our next write fails
/// first or everything is read first.
async fn a_pong_behind_a_feed_counts() {
    let arrived = Arrived::default();
    let seen = Arc::clone(&arrived);
    let peer = RawPeer::start(None, move |number, mut socket| {
        if number > 0 {
            return serve_until(socket, u64::MAX, &seen);
        }
        let (_, message) = socket.frame()?;
        let text = String::from_utf8(message).unwrap();
        *seen.lock().unwrap().entry(text).or_default() += 1;
        let (opcode, ping) = socket.frame()?;
        assert_eq!(opcode, PING);
        let mut out = Vec::new();
        for tick in 0..2_000 {
            out.extend(crate::raw::encode(TEXT, format!("tick {tick}").as_bytes()));
        }
        out.extend(crate::raw::encode(PONG, &ping));
        std::io::Write::write_all(&mut socket.stream, &out)?;
        socket.reset()
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let feed = manager.open("feed", keeping(&peer.url)).unwrap();
    watch.ready().await;
    let first = feed.send("the first").unwrap();
    // After the feed, so that one of our writes meets the reset.
    watch.text("tick 100").await;
    let mut last = None;
    for number in 0..50 {
        last = Some(feed.send(format!("later {number}")).unwrap());
        tokio::task::yield_now().await;
    }
    let fate = timeout(SOON, last.unwrap().fate(Fate::Confirmed)).await;
    assert_eq!(fate, Ok(Fate::Confirmed));
    assert_eq!(first.now(), Fate::Confirmed);
    let times = arrived.lock().unwrap()["the first"];
    assert_eq!(times, 1, "its pong lay in our kernel");
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_pong_behind_a_feed_counts_before_a_reset_is_judged() {
    for _ in 0..20 {
        a_pong_behind_a_feed_counts().await;
    }
}

#[tokio::test]
async fn what_is_in_doubt_goes_down_as_it_is_confirmed() {
    let arrived = Arrived::default();
    let peer = RawPeer::start(None, move |number, socket| {
        if number == 0 {
            die_after(socket, 3)
        } else {
            serve_until(socket, u64::MAX, &arrived)
        }
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let mut settings = keeping(&peer.url);
    with_backoff(&mut settings, always(ms(1_500)));
    let feed = manager.open("feed", settings).unwrap();
    watch.ready().await;
    let receipts: Vec<_> = (0..50)
        .map(|number| feed.send(format!("message {number}")).unwrap())
        .collect();
    watch.retrying().await;
    let outbox = feed.status().await.unwrap().outbox;
    assert!(outbox.in_doubt >= 3, "{outbox:?}");
    let fate = timeout(SOON, receipts[49].fate(Fate::Confirmed)).await;
    assert_eq!(fate, Ok(Fate::Confirmed));
    let outbox = feed.status().await.unwrap().outbox;
    assert_eq!((outbox.messages, outbox.in_doubt), (0, 0), "{outbox:?}");
    manager.shutdown(SOON).await;
}
