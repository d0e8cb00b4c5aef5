//! Through the bridge to NATS, beside a publisher without one.

use std::time::{Duration, Instant};

use async_nats::{
    HeaderMap, HeaderValue,
    jetstream::{self, Context, context::ContextBuilder, stream::Config},
};
use everwire::{
    ConnectionSettings, Pattern,
    config::{NatsInSettings, NatsSettings},
};
use everwire_nats::{Bridge, Observer};
use futures::{StreamExt, stream::FuturesUnordered};

use super::{Outcome, Peer};
use crate::{ours::manager, process::cpu};

/// The most messages that are published and not acknowledged, equal to the bridge's limit.
const IN_FLIGHT: usize = 4096;
const STREAM: &str = "EVERWIRE_IN";

/// Messages of the names go to a stream: from the peer's first message to the last acknowledgement.
pub async fn bridged(peer: &Peer<'_>, server: &str) -> Outcome {
    let manager = manager(1);
    let mut settings = NatsSettings::new(vec![server.to_owned()]);
    settings.inbound = Some(NatsInSettings::new(Pattern::all()));
    let folder = std::env::temp_dir().join(format!("everwire-benches-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let bridge = Bridge::start(manager.clone(), settings, &folder, Observer::default());
    let bridge = bridge.expect("a bridge");
    while bridge.status().server.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let path = peer.load.path(false);
    let connection = ConnectionSettings::new(format!("{}{path}", peer.url)).expect("a URL");
    for n in 0..peer.load.sockets {
        let name = format!("n{n}");
        manager.open(name, connection.clone()).expect("a name");
    }
    let context = jetstream::new(async_nats::connect(server).await.expect("a server"));
    let warm = peer.load.warm_each() * peer.load.sockets;
    let measured = peer.load.each() * peer.load.sockets;
    stored(&context, warm).await;
    let mut go = peer.tcp("/feed-go").await;
    let (before, start) = (cpu(), Instant::now());
    tokio::io::AsyncWriteExt::write_all(&mut go, &[1])
        .await
        .expect("a write");
    stored(&context, warm + measured).await;
    let (cpu, took) = (cpu() - before, start.elapsed());
    assert!(bridge.status().inbound.dropped.is_empty());
    std::fs::remove_dir_all(folder).expect("the folder");
    Outcome {
        cpu,
        messages: measured,
        took,
        delays: [Duration::ZERO; 3],
    }
}

/// Waits until the stream has this number of messages.
async fn stored(context: &Context, count: usize) {
    loop {
        let stream = context.get_stream(STREAM).await.expect("a stream");
        if stream.cached_info().state.messages >= count as u64 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The same messages with the same headers, published by the NATS client without everwire.
pub async fn published(peer: &Peer<'_>, server: &str) -> Outcome {
    let client = async_nats::ConnectOptions::new()
        .client_capacity(4 * IN_FLIGHT)
        .connect(server);
    let client = client.await.expect("a server");
    let context = ContextBuilder::new()
        .max_ack_inflight(IN_FLIGHT)
        .backpressure_on_inflight(true)
        .build(client);
    let config = Config {
        name: STREAM.into(),
        subjects: vec!["everwire.in.>".into()],
        max_bytes: 1 << 30,
        duplicate_window: Duration::from_secs(30),
        ..Config::default()
    };
    context.create_stream(config).await.expect("a stream");
    let warm = peer.load.warm_each();
    publish(&context, peer, 0..warm).await;
    let (before, start) = (cpu(), Instant::now());
    publish(&context, peer, warm..warm + peer.load.each()).await;
    Outcome {
        cpu: cpu() - before,
        messages: peer.load.each() * peer.load.sockets,
        took: start.elapsed(),
        delays: [Duration::ZERO; 3],
    }
}

async fn publish(context: &Context, peer: &Peer<'_>, numbers: std::ops::Range<usize>) {
    let payload = bytes::Bytes::from(vec![b'x'; peer.load.size]);
    let mut acks = FuturesUnordered::new();
    for seq in numbers {
        for n in 0..peer.load.sockets {
            let headers = headers(n, seq + 1);
            let subject = format!("everwire.in.n{n}");
            let sending = context.publish_with_headers(subject, headers, payload.clone());
            acks.push(std::future::IntoFuture::into_future(
                sending.await.expect("a publish"),
            ));
            while acks.len() >= IN_FLIGHT {
                acks.next().await.expect("an ack").expect("stored");
            }
        }
    }
    while let Some(ack) = acks.next().await {
        ack.expect("stored");
    }
}

fn headers(name: usize, seq: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("n{name}/1/{seq}"));
    headers.insert("Everwire-Epoch", HeaderValue::from(1_u64));
    headers.insert("Everwire-Seq", HeaderValue::from(seq));
    headers.insert("Everwire-Cursor", format!("{seq}"));
    headers.insert("Everwire-Time", jiff::Timestamp::now().to_string());
    headers.insert("Everwire-Previous", format!("1/{}", seq - 1));
    headers
}
