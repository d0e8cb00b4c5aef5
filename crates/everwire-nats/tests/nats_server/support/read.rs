//! The messages that a reader of the stream gets.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_nats::jetstream::{self, consumer::pull};
use everwire_nats::Bridge;
use futures::StreamExt;

use super::{Server, until_async};

/// A message for a reader.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub subject: String,
    pub text: String,
    pub place: (u64, u64),
    pub previous: Option<(u64, u64)>,
    pub gap: Option<String>,
}

/// All messages of the stream.
pub async fn all(server: &Server, stream: &str) -> Vec<Read> {
    all_by(server.client().await, stream).await
}

/// The same, by a client with the permission to read.
pub async fn all_by(client: async_nats::Client, stream: &str) -> Vec<Read> {
    let context = jetstream::new(client);
    let mut stream = context.get_stream(stream).await.unwrap();
    let count = stream.info().await.unwrap().state.messages;
    // Of several servers, one that was just killed may be chosen for it.
    let deadline = Instant::now() + Duration::from_secs(60);
    let consumer = loop {
        match stream.create_consumer(pull::OrderedConfig::default()).await {
            Ok(consumer) => break consumer,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
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

/// The texts for a reader that drops messages at or below its highest number. Gaps are not allowed.
pub fn texts(read: &[Read]) -> BTreeMap<String, Vec<String>> {
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

pub fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

pub async fn published(bridge: &Bridge, count: u64) {
    until_async("all is published", async || {
        let inbound = bridge.status().inbound;
        inbound.pending == 0 && inbound.published >= count
    })
    .await;
}

/// The number of messages in the stream.
pub async fn stored(server: &Server) -> u64 {
    let client = tokio::time::timeout(Duration::from_secs(1), server.client()).await;
    let Ok(client) = client else { return 0 };
    let context = jetstream::new(client);
    match context.get_stream("EVERWIRE_IN").await {
        Ok(stream) => stream.cached_info().state.messages,
        Err(_) => 0,
    }
}

/// The messages that report a gap, with its size.
pub fn gaps(read: &[Read]) -> Vec<(usize, String)> {
    let gap = |(at, message): (usize, &Read)| Some((at, message.gap.clone()?));
    read.iter().enumerate().filter_map(gap).collect()
}
