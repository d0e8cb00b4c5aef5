//! Reported: healthy sockets were given up. A server that first sends a snapshot of some megabytes
//! was never up, since no pong fits inside a frame; a long message to a slow reader was sent nine
//! times, since the ping waited behind our own bytes.
//!
//! The kind: our own delay, or our own bytes, counted as the peer's fault. The counterpart: a peer
//! that is gone, or that never answers, must still be detected.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use everwire::{
    ConnectionSettings, Fate, Manager,
    config::{Heartbeat, Resend},
    core::Cause,
};
use tokio::time::timeout;

use crate::{
    raw::{CLOSE, PING, PONG, RawPeer, RawSocket, TEXT, encode},
    support::{SOON, rig::*},
};

/// A heartbeat with a short timeout.
fn impatient(url: &str) -> ConnectionSettings {
    let mut settings = quick(url);
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(100),
        timeout: ms(400),
    };
    settings
}

/// Answers pings, and ends with the client.
fn serve(socket: &mut RawSocket) -> io::Result<()> {
    loop {
        match socket.frame()? {
            (PING, payload) => socket.send(PONG, &payload)?,
            (CLOSE, payload) => return socket.send(CLOSE, &payload),
            _ => {}
        }
    }
}

/// Writes a frame piece by piece, with a pause after each.
fn send_slowly(
    socket: &mut RawSocket,
    frame: &[u8],
    piece: usize,
    pause: Duration,
) -> io::Result<()> {
    for piece in frame.chunks(piece) {
        io::Write::write_all(&mut socket.stream, piece)?;
        thread::sleep(pause);
        if socket.is_over() {
            break;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_snapshot_that_takes_longer_than_the_timeouts_is_read_to_its_end() {
    let peer = RawPeer::start(None, |_, mut socket| {
        let snapshot = encode(TEXT, &vec![b'x'; 1_000_000]);
        send_slowly(&mut socket, &snapshot, 25_000, ms(50))?;
        serve(&mut socket)
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let mut settings = impatient(&peer.url);
    settings.idle_timeout = Some(ms(400));
    let feed = manager.open("feed", settings).unwrap();
    assert_eq!(watch.message().await.len(), 1_000_000);
    let status = feed.status().await.unwrap();
    assert_eq!(status.incarnation, 1, "{:?}", status.last_error);
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_frame_that_comes_byte_by_byte_excuses_nothing() {
    let peer = RawPeer::start(None, |_, mut socket| {
        let snapshot = encode(TEXT, &vec![b'x'; 1_000_000]);
        send_slowly(&mut socket, &snapshot[..2_000], 1, ms(20))
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    manager.open("feed", impatient(&peer.url)).unwrap();
    assert_eq!(watch.error().await, Cause::PongTimeout);
    manager.shutdown(SOON).await;
}

/// Sends 1.5 MB to a peer that continuously reads 300 kB a second, and answers each ping when it
/// reads it.
async fn reaches_a_slow_reader_once(receive_buffer: usize) {
    let sockets = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sockets);
    let peer = RawPeer::start(Some(receive_buffer), move |_, mut socket| {
        counted.fetch_add(1, Ordering::Relaxed);
        loop {
            match socket.frame_by(15_000, ms(50))? {
                (PING, payload) => {
                    socket.send(PONG, &payload)?;
                    return serve(&mut socket);
                }
                (_, payload) => assert_eq!(payload.len(), 1_500_000),
            }
        }
    });
    let manager = one_arbiter();
    let mut settings = impatient(&peer.url);
    settings.outbox.resend = Resend::InDoubt;
    let feed = manager.open("feed", settings).unwrap();
    let receipt = feed.send(vec![0; 1_500_000]).unwrap();
    let fate = timeout(2 * SOON, receipt.fate(Fate::Confirmed)).await;
    assert_eq!(fate, Ok(Fate::Confirmed), "{receive_buffer}");
    assert_eq!(sockets.load(Ordering::Relaxed), 1, "{receive_buffer}");
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_long_message_reaches_a_slow_reader_once_whosever_kernel_holds_it() {
    tokio::join!(
        reaches_a_slow_reader_once(32 << 10),
        reaches_a_slow_reader_once(8 << 20)
    );
}

#[tokio::test]
async fn a_peer_that_stands_still_is_found_under_a_slow_and_steady_sender() {
    // Its kernel still accepts our bytes, as for a stopped process.
    let peer = RawPeer::start(Some(8 << 20), |_, socket| {
        socket.wait_for_end();
        Ok(())
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let feed = manager.open("feed", impatient(&peer.url)).unwrap();
    watch.ready().await;
    let error = async {
        loop {
            let _full = feed.send("x".repeat(100));
            tokio::time::sleep(ms(20)).await;
        }
    };
    tokio::select! {
        cause = watch.error() => assert_eq!(cause, Cause::PongTimeout),
        () = error => {}
    }
    manager.shutdown(SOON).await;
}

/// Sends a message every 20 ms, and answers no ping.
fn feed_without_pongs() -> RawPeer {
    RawPeer::start(None, |_, mut socket| {
        for tick in 0..2_000 {
            socket.send(TEXT, format!("tick {tick}").as_bytes())?;
            thread::sleep(ms(20));
            if socket.is_over() {
                break;
            }
        }
        Ok(())
    })
}

async fn hears(watch: &mut Watch, messages: usize) {
    for _ in 0..messages {
        watch.message().await;
    }
}

#[tokio::test]
async fn a_feed_that_answers_no_ping_stays_up_until_somebody_waits_for_a_confirmation() {
    let peer = feed_without_pongs();
    let manager = Manager::spawn(everwire::Settings::default()).unwrap();
    let mut watch = Watch::new(&manager, "feed");
    let feed = manager.open("feed", impatient(&peer.url)).unwrap();
    // Three timeouts long.
    hears(&mut watch, 60).await;
    assert_eq!(feed.status().await.unwrap().incarnation, 1);
    let receipt = feed.send("does this arrive?").unwrap();
    let (fate, cause) = tokio::join!(timeout(SOON, receipt.fate(Fate::Confirmed)), watch.error());
    assert_eq!(fate, Ok(Fate::InDoubt));
    assert_eq!(cause, Cause::FenceTimeout);
    assert_eq!(cause.text(), "the peer sends, and answers no ping");
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_feed_that_answers_no_ping_does_not_block_an_outbox_that_keeps() {
    let peer = feed_without_pongs();
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let mut settings = impatient(&peer.url);
    settings.outbox.resend = Resend::InDoubt;
    let feed = manager.open("feed", settings).unwrap();
    watch.ready().await;
    feed.send("does this arrive?").unwrap();
    assert_eq!(watch.error().await, Cause::FenceTimeout);
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_close_frame_behind_a_feed_that_we_were_kept_from_reading_is_the_answer() {
    let peer = RawPeer::start(None, |_, mut socket| {
        loop {
            match socket.frame()? {
                (PING, payload) => socket.send(PONG, &payload)?,
                (CLOSE, payload) => {
                    let mut out = Vec::new();
                    for tick in 0..3_000 {
                        out.extend(encode(TEXT, format!("tick {tick}").as_bytes()));
                    }
                    out.extend(encode(CLOSE, &payload));
                    io::Write::write_all(&mut socket.stream, &out)?;
                    socket.wait_for_end();
                    return Ok(());
                }
                _ => {}
            }
        }
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    // Full as soon as the name is ready, and never read.
    let full = everwire::Delivery::default()
        .events(3)
        .overflow(everwire::hub::Overflow::Pause);
    let _stuck = manager.subscribe(everwire::Pattern::all(), full);
    let mut settings = quick(&peer.url);
    settings.close_timeout = ms(500);
    let feed = manager.open("feed", settings).unwrap();
    watch.ready().await;
    feed.close(1000, "").await.unwrap();
    let closed = watch.closed().await;
    assert!(closed.clean, "{closed:?}");
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_close_that_our_own_bytes_stand_ahead_of_waits_for_its_answer() {
    // Its kernel has the message at once, its program needs two seconds for it.
    let peer = RawPeer::start(Some(8 << 20), |_, mut socket| {
        loop {
            match socket.frame_by(25_000, ms(50))? {
                (PING, payload) => socket.send(PONG, &payload)?,
                (CLOSE, payload) => return socket.send(CLOSE, &payload),
                _ => {}
            }
        }
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let mut settings = impatient(&peer.url);
    settings.close_timeout = ms(400);
    let feed = manager.open("feed", settings).unwrap();
    watch.ready().await;
    let receipt = feed.send(vec![0; 1_000_000]).unwrap();
    let fate = timeout(SOON, receipt.fate(Fate::Written)).await;
    assert_eq!(fate, Ok(Fate::Written));
    feed.close(1000, "").await.unwrap();
    let closed = watch.closed().await;
    assert!(closed.clean, "{closed:?}");
    assert_eq!(
        receipt.now(),
        Fate::Confirmed,
        "the ping ahead of the close"
    );
    manager.shutdown(SOON).await;
}

#[tokio::test]
async fn a_text_heartbeat_has_its_answer_behind_a_snapshot_too() {
    let peer = RawPeer::start(None, |_, mut socket| {
        let snapshot = encode(TEXT, &vec![b'x'; 500_000]);
        send_slowly(&mut socket, &snapshot, 25_000, ms(50))?;
        loop {
            match socket.frame()? {
                (TEXT, payload) if payload == b"ping" => socket.send(TEXT, b"pong")?,
                (CLOSE, payload) => return socket.send(CLOSE, &payload),
                _ => {}
            }
        }
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let mut settings = quick(&peer.url);
    settings.heartbeat = Heartbeat::Text {
        interval: ms(100),
        timeout: ms(400),
        ping: "ping".into(),
        pong: "pong".into(),
        fence: true,
        deliver: false,
    };
    let feed = manager.open("feed", settings).unwrap();
    assert_eq!(watch.message().await.len(), 500_000);
    let receipt = feed.send("and this").unwrap();
    let fate = timeout(SOON, receipt.fate(Fate::Confirmed)).await;
    assert_eq!(fate, Ok(Fate::Confirmed));
    assert_eq!(feed.status().await.unwrap().incarnation, 1);
    manager.shutdown(SOON).await;
}
