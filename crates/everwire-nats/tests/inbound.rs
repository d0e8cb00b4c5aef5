//! What comes in over sockets is in the stream, whatever happens to the server.

#[path = "support/mod.rs"]
mod support;

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{self, consumer::pull};
use everwire_nats::{Bridge, Observer};
use futures::StreamExt;
use support::{Names, Server, settings, until_async};

/// A message as a reader has it.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    subject: String,
    text: String,
    place: (u64, u64),
    previous: Option<(u64, u64)>,
    gap: Option<String>,
}

/// All that the stream has.
async fn all(server: &Server, stream: &str) -> Vec<Read> {
    let context = jetstream::new(server.client().await);
    let mut stream = context.get_stream(stream).await.unwrap();
    let count = stream.info().await.unwrap().state.messages;
    let consumer = stream
        .create_consumer(pull::OrderedConfig::default())
        .await
        .unwrap();
    let messages = consumer.messages().await.unwrap();
    let mut read = Vec::new();
    let mut messages = messages.take(usize::try_from(count).unwrap());
    while let Some(message) = messages.next().await {
        let message = message.unwrap();
        let headers = message.headers.clone().unwrap();
        let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
        let number = |name: &str| text(name).unwrap().parse().unwrap();
        let previous = text("Everwire-Previous").map(|previous| {
            let (epoch, seq) = previous.split_once('/').unwrap();
            (epoch.parse().unwrap(), seq.parse().unwrap())
        });
        read.push(Read {
            subject: message.subject.to_string(),
            text: String::from_utf8(message.payload.to_vec()).unwrap(),
            place: (number("Everwire-Epoch"), number("Everwire-Seq")),
            previous,
            gap: text("Everwire-Gap"),
        });
    }
    read
}

/// What a reader has who drops what is not above the highest that it has seen. No hole is allowed.
fn texts(read: &[Read]) -> BTreeMap<String, Vec<String>> {
    let mut highest: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in read {
        let before = highest.get(&message.subject).copied();
        if before.is_some_and(|before| message.place <= before) {
            continue;
        }
        assert_eq!(message.previous, before, "a hole: {message:?}");
        assert_eq!(message.gap, None, "{message:?}");
        highest.insert(message.subject.clone(), message.place);
        texts
            .entry(message.subject.clone())
            .or_default()
            .push(message.text.clone());
    }
    texts
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

async fn published(bridge: &Bridge, count: u64) {
    until_async("all is published", async || {
        let inbound = bridge.status().inbound;
        inbound.pending == 0 && inbound.published >= count
    })
    .await;
}

#[tokio::test]
async fn each_message_is_in_the_stream_with_its_place() {
    let server = Server::start("place");
    let names = Names::open(&["market.btc:usd", "b"]).await;
    let bridge = Bridge::start(
        names.manager.clone(),
        settings(&server),
        server.folder(),
        Observer::default(),
    )
    .unwrap();
    for number in numbers(100) {
        names.say("market.btc:usd", &number);
        names.say("b", &number);
    }
    published(&bridge, 200).await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(
        texts(&read),
        BTreeMap::from([
            ("everwire.in.b".to_owned(), numbers(100)),
            ("everwire.in.market.btc=3Ausd".to_owned(), numbers(100)),
        ])
    );
    assert_eq!(read.len(), 200, "none is there twice");
    assert_eq!(bridge.stop(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn a_server_that_is_killed_again_and_again_has_all_in_the_end() {
    let mut server = Server::start("killed");
    let names = Names::open(&["a", "b", "c"]).await;
    let bridge = Bridge::start(
        names.manager.clone(),
        settings(&server),
        server.folder(),
        Observer::default(),
    )
    .unwrap();
    let mut sent = 0;
    for round in 0..6 {
        for _ in 0..500 {
            for name in ["a", "b", "c"] {
                names.say(name, &sent.to_string());
            }
            sent += 1;
            if sent % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            if sent % 500 == 250 {
                match round % 2 {
                    0 => server.kill(),
                    _ => server.restart(),
                }
            }
        }
    }
    server.restart();
    published(&bridge, 1).await;
    let expected = numbers(sent);
    let read = texts(&all(&server, "EVERWIRE_IN").await);
    for name in ["a", "b", "c"] {
        assert_eq!(read[&format!("everwire.in.{name}")], expected, "{name}");
    }
}

#[tokio::test]
async fn what_waits_at_the_end_is_published_by_the_next_process() {
    let mut server = Server::start("next");
    let names = Names::open(&["a"]).await;
    server.kill();
    let state = tempdir("next-state");
    let start = || {
        Bridge::start(
            names.manager.clone(),
            settings(&server),
            &state,
            Observer::default(),
        )
        .unwrap()
    };
    let bridge = start();
    for number in numbers(300) {
        names.say("a", &number);
    }
    until_async("all has come in", async || {
        bridge.status().inbound.pending == 300
    })
    .await;
    assert_eq!(bridge.status().error.unwrap().code, "nats_unreachable");
    assert_eq!(bridge.stop(Duration::from_millis(100)).await, 300);
    let bridge = start();
    assert_eq!(bridge.status().inbound.dropped, BTreeMap::new());
    server.restart();
    published(&bridge, 300).await;
    let read = all(&server, "EVERWIRE_IN").await;
    assert_eq!(texts(&read)["everwire.in.a"], numbers(300));
    assert_eq!(bridge.stop(Duration::from_secs(5)).await, 0);
    std::fs::remove_dir_all(state).unwrap();
}

fn tempdir(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("everwire-nats-{name}-{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
