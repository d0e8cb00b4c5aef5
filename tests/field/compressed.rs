//! Reported: an order book of 66.5 kB reached the server as 983 bytes, and 65,537 equal letters as
//! a single one, while the client reported the message as confirmed. Context takeover was off, and
//! the compressor had no output for the first 64 KiB.
//!
//! The kind: the encoded data differs from the input. So messages around each internal bound of the
//! client go to servers with foreign inflaters (Python's zlib, npm's `ws`), compressed in all ways,
//! and must come back byte for byte: directly, through TLS, through a proxy, and through a slow
//! link with odd pieces.

use everwire::{
    ConnectionSettings, Manager, Message,
    config::{Compression, Heartbeat, Proxy as ProxySetting, ProxyUrl},
    core::Fate,
    wire::deflate::WindowBits,
};
use tokio::time::timeout;

use crate::{
    chaos::{Link, Proxy},
    support::{Foreign, PrivateCa, SOON, TestDir, proxy, rig::*},
};

/// Lengths around the client's internal bounds: `min_size`, a compressor block, and one to three
/// pieces.
const LENGTHS: [usize; 14] = [
    1, 1_023, 1_024, 16_383, 16_385, 65_535, 65_536, 65_537, 65_600, 66_500, 131_071, 131_073,
    196_607, 196_609,
];

const CONTENTS: [fn(usize) -> u8; 5] = [zeros, json, random, mixed, json];

fn zeros(_: usize) -> u8 {
    b'a'
}

fn json(at: usize) -> u8 {
    let text = br#"{"e":"depthUpdate","s":"BNBBTC","b":[["0.0024","10"]]},"#;
    text[at % text.len()]
}

/// Printable, so that it can be sent as text.
fn random(at: usize) -> u8 {
    let mixed = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    b' ' + u8::try_from((mixed ^ (mixed >> 29)) % 95).unwrap()
}

fn mixed(at: usize) -> u8 {
    match (at >> 10) % 2 {
        0 => json(at),
        _ => random(at),
    }
}

/// Each length with each content, alternately as text and binary. The last kind of content has a
/// long start that compresses well, and an end that does not.
fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for len in LENGTHS {
        for (number, content) in CONTENTS.iter().enumerate() {
            let mut bytes: Vec<u8> = (0..len).map(content).collect();
            if number == CONTENTS.len() - 1 {
                let end = len.saturating_sub(200);
                (end..len).for_each(|at| bytes[at] = random(at));
            }
            messages.push(match messages.len() % 2 {
                0 => Message::text(String::from_utf8(bytes).unwrap()),
                _ => Message::binary(bytes),
            });
        }
    }
    messages
}

/// The possible agreements: which side keeps its window, and its size.
fn parameters() -> Vec<Compression> {
    let mut all = Vec::new();
    for (client, server) in [(true, true), (true, false), (false, true), (false, false)] {
        for bits in [9, 15] {
            let mut compression = Compression::default();
            compression.min_size = 1;
            compression.client_no_context_takeover = client;
            compression.server_no_context_takeover = server;
            compression.client_max_window_bits = WindowBits::new(bits).unwrap();
            compression.server_max_window_bits = WindowBits::new(bits.max(10)).unwrap();
            all.push(compression);
        }
    }
    all
}

/// With compression, and with pings between the messages, since each fence is one.
fn settings(url: String, compression: Compression) -> ConnectionSettings {
    let mut settings = quick(url);
    settings.compression = Some(compression);
    settings.outbox.bytes = 32 << 20;
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(50),
        timeout: ms(20_000),
    };
    settings
}

/// Sends all messages, some of them with a fence after them, and expects all echoes.
async fn all_come_back(manager: &Manager, settings: ConnectionSettings, what: &str) {
    let mut watch = Watch::new(manager, "feed");
    let feed = manager.open("feed", settings).unwrap();
    watch.ready().await;
    for (number, message) in messages().into_iter().enumerate() {
        let receipt = feed.send(message.clone()).unwrap();
        if number % 7 == 0 {
            let fate = timeout(SOON, receipt.fate(Fate::Confirmed)).await;
            assert_eq!(fate, Ok(Fate::Confirmed), "{what}");
        }
        loop {
            let echo = watch.message().await;
            // The path that answers in fragments first sends two messages of its own.
            if echo.as_text() == Some("one zwei trois é") || echo.payload()[..] == [0, 1, 2, 3, 255]
            {
                continue;
            }
            assert!(
                echo == message,
                "{what}: {} bytes of message {number} came back, of {}",
                echo.len(),
                message.len()
            );
            break;
        }
    }
    manager.remove("feed").await.unwrap();
}

#[tokio::test]
async fn compressed_in_all_ways_a_message_is_what_was_given() {
    let manager = one_arbiter();
    for foreign in Foreign::ALL {
        let server = foreign.start(None);
        for (number, compression) in parameters().into_iter().enumerate() {
            let path = ["/echo", "/fragmented"][number % 2];
            let what = format!("{foreign:?} {path} {compression:?}");
            all_come_back(&manager, settings(server.url(path), compression), &what).await;
        }
    }
}

#[tokio::test]
async fn through_tls_and_a_proxy_a_compressed_message_is_what_was_given() {
    let dir = TestDir::new("compressed");
    let ca = PrivateCa::new(dir.path());
    let through = proxy(&ca, &dir.path().join("seen"));
    let manager = one_arbiter();
    let compression = parameters()[1];
    for foreign in Foreign::ALL {
        let server = foreign.start(Some(&ca));
        let mut tls = settings(server.tls_url("/echo"), compression);
        tls.tls.ca_file = Some(ca.ca_file.clone());
        all_come_back(&manager, tls.clone(), &format!("{foreign:?} over TLS")).await;
        let url = format!("http://127.0.0.1:{}", through.port());
        tls.proxy = Some(ProxySetting::Url(ProxyUrl::new(&url).unwrap()));
        all_come_back(&manager, tls, &format!("{foreign:?} behind a proxy")).await;
    }
}

#[tokio::test]
async fn through_a_slow_link_a_compressed_message_is_what_was_given() {
    let manager = one_arbiter();
    let server = Foreign::Python.start(None);
    let mut pieces = [997, 13_001].into_iter().cycle();
    let link = Proxy::start(server.port(), move || Link {
        rate: 8 << 20,
        piece: pieces.next().unwrap(),
        ..Link::default()
    });
    for compression in [parameters()[1], parameters()[7]] {
        let settings = settings(link.url("/echo"), compression);
        all_come_back(&manager, settings, &format!("slow, {compression:?}")).await;
    }
}
