//! permessage-deflate with foreign servers, and with answers that must be refused.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a helper fails its test by panicking"
)]

mod support;

use everwire::{
    ConnectionSettings, EventKind, Handle, Manager, Message,
    config::Compression,
    core::Fate,
    wire::deflate::{Agreed, WindowBits},
};
use everwire_proto::decode::{Decoding, Stage};
use miniz_oxide::deflate::compress_to_vec_zlib;
use support::{
    Foreign, SOON,
    rig::{Rig, Watch, one_arbiter, quick},
};
use tokio::time::timeout;

/// Parameters that differ in what each side keeps.
fn variants() -> Vec<Compression> {
    let change = |change: fn(&mut Compression)| {
        let mut compression = Compression::default();
        compression.min_size = 1;
        change(&mut compression);
        compression
    };
    vec![
        change(|_| {}),
        change(|it| it.min_size = 1 << 10),
        change(|it| it.client_no_context_takeover = true),
        change(|it| it.server_no_context_takeover = true),
        change(|it| {
            it.client_no_context_takeover = true;
            it.server_no_context_takeover = true;
            it.server_max_window_bits = WindowBits::new(10).unwrap();
        }),
        change(|it| {
            it.client_max_window_bits = WindowBits::new(9).unwrap();
            it.server_max_window_bits = WindowBits::new(9).unwrap();
        }),
    ]
}

/// Messages to be echoed: short and long, well and badly compressible.
fn messages() -> Vec<Message> {
    let words: String = (0..60_000)
        .map(|i| ["feed", "tick", "é", "日", " ", "\n"][i * i % 6])
        .collect();
    let mut random = 1_u64;
    let mut noise = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 56) as u8
    };
    let noise: Vec<u8> = (0..200_000).map(|_| noise()).collect();
    vec![
        Message::text("short"),
        Message::text(""),
        Message::text(words.clone()),
        Message::binary(noise[..2_000].to_vec()),
        Message::text(words.chars().rev().collect::<String>()),
        Message::binary(noise.clone()),
        Message::binary(noise),
        Message::binary(vec![0; 3 << 20]),
        Message::binary(vec![7; 65_536]),
        Message::text("last"),
    ]
}

/// Opens `feed` and waits until it is up. Returns the agreed parameters.
async fn open(
    manager: &Manager,
    watch: &mut Watch,
    url: String,
    compression: Option<Compression>,
) -> (Handle, Option<Agreed>) {
    let mut settings: ConnectionSettings = quick(url);
    settings.compression = compression;
    settings.outbox.bytes = 32 << 20;
    let handle = manager.open("feed", settings).unwrap();
    let agreed = watch
        .until("opened", |update| match update.kind() {
            Some(EventKind::Opened(opened)) => Some(opened.compression),
            _ => None,
        })
        .await;
    watch.ready().await;
    (handle, agreed)
}

#[tokio::test]
async fn every_message_comes_back_from_foreign_servers_under_all_parameters() {
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    for foreign in Foreign::ALL {
        let server = foreign.start(None);
        for (wished, path) in variants()
            .into_iter()
            .flat_map(|wished| [(wished, "/echo"), (wished, "/fragmented")])
        {
            let what = format!("{foreign:?} {path} {wished:?}");
            let (feed, agreed) = open(&manager, &mut watch, server.url(path), Some(wished)).await;
            let agreed = agreed.unwrap_or_else(|| panic!("no compression: {what}"));
            assert_eq!(
                agreed.client_no_context_takeover, wished.client_no_context_takeover,
                "{what}"
            );
            assert_eq!(
                agreed.server_no_context_takeover, wished.server_no_context_takeover,
                "{what}"
            );
            assert!(agreed.server_max_window_bits <= wished.server_max_window_bits);
            if path == "/fragmented" {
                assert_eq!(watch.message().await, Message::text("one zwei trois é"));
                assert_eq!(
                    watch.message().await,
                    Message::binary(vec![0, 1, 2, 3, 255])
                );
            }
            let mut last = None;
            for message in messages() {
                last = Some(feed.send(message).unwrap());
            }
            for message in messages() {
                let echo = watch.message().await;
                assert!(
                    echo == message,
                    "{what}: {} bytes came back for {}",
                    echo.len(),
                    message.len()
                );
            }
            let fate = timeout(SOON, last.unwrap().fate(Fate::Written)).await;
            assert_eq!(fate.unwrap(), Fate::Written, "{what}");
            manager.remove("feed").await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_a_server_has_compressed_twice_is_decompressed_twice() {
    let text = "{\"tick\":1}".repeat(1000);
    let stream = compress_to_vec_zlib(text.as_bytes(), 9);
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    for foreign in Foreign::ALL {
        let server = foreign.start(None);
        let mut settings: ConnectionSettings = quick(server.url("/echo"));
        let mut wished = Compression::default();
        wished.min_size = 1;
        settings.compression = Some(wished);
        settings.decode = Decoding::new(vec![Stage::Zlib]).ok();
        let feed = manager.open("feed", settings).unwrap();
        for _ in 0..3 {
            feed.send(Message::binary(stream.clone())).unwrap();
            assert_eq!(watch.message().await, Message::text(text.clone()));
        }
        manager.remove("feed").await.unwrap();
    }
}

#[tokio::test]
async fn without_the_setting_nothing_is_offered() {
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    for foreign in Foreign::ALL {
        let server = foreign.start(None);
        let (_feed, agreed) = open(&manager, &mut watch, server.url("/echo"), None).await;
        assert_eq!(agreed, None);
        manager.remove("feed").await.unwrap();
    }
}

/// The number of bytes that the server has read after each of these messages.
async fn read_by_server(compression: Compression, messages: &[Message]) -> Vec<usize> {
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let server = Foreign::Node.start(None);
    let (feed, _) = open(
        &manager,
        &mut watch,
        server.url("/received"),
        Some(compression),
    )
    .await;
    let mut totals = Vec::new();
    for message in messages {
        feed.send(message.clone()).unwrap();
        let answer = watch.message().await;
        totals.push(answer.as_text().unwrap().parse().unwrap());
    }
    totals
        .windows(2)
        .map(|pair: &[usize]| pair[1] - pair[0])
        .collect()
}

#[tokio::test]
async fn what_goes_over_the_wire_is_smaller_and_smaller_still_with_the_window_kept() {
    let long: String = (0..400)
        .map(|i| format!("{{\"tick\":{}}}", i * 7919 % 1000))
        .collect();
    let messages = [
        Message::text(long.clone()),
        Message::text(long.clone()),
        Message::text("x".repeat(1023)),
        Message::text("x".repeat(1024)),
        Message::text(long.repeat(20)),
    ];
    let wire = read_by_server(Compression::default(), &messages).await;
    assert!(wire[0] < 100, "the same again is a reference: {wire:?}");
    assert_eq!(wire[1], 1023 + 8, "below min_size it goes as it is");
    assert!(wire[2] < 40, "{wire:?}");
    assert!(wire[3] < long.len(), "a long one in pieces: {wire:?}");

    let mut alone = Compression::default();
    alone.client_no_context_takeover = true;
    let wire = read_by_server(alone, &messages).await;
    assert!((200..long.len() / 2).contains(&wire[0]), "{wire:?}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_accepted_is_a_typed_failure() {
    for (answer, text) in [
        (
            "permessage-deflate%3B%20server_max_window_bits%3D7",
            "not a number from 8 to 15",
        ),
        ("permessage-deflate%3B%20x", "the unknown parameter \"x\""),
        (
            "permessage-deflate%2C%20permessage-deflate",
            "more than one extension",
        ),
        ("x-other", "\"x-other\", which was not offered"),
    ] {
        // A new manager: a retry of the one before would be reported too.
        let mut rig = Rig::new();
        let _feed = rig.open_with(&format!("/echo?extension={answer}"), |settings| {
            settings.compression = Some(Compression::default());
        });
        let cause = rig.watch.error().await;
        assert_eq!(cause.kind(), "extension");
        assert!(cause.text().contains(text), "{cause}");
    }
}

#[tokio::test]
async fn a_server_that_wants_no_compression_gets_none() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| {
        let mut compression = Compression::default();
        compression.min_size = 1;
        settings.compression = Some(compression);
    });
    rig.echoes(&feed, "as it is").await;
    assert!(rig.watch.seen().iter().any(|event| {
        event.contains("\"type\":\"opened\"") && event.contains("\"compression\":null")
    }));
}
