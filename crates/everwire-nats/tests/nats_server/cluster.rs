//! Three servers with three replicas, of which the leader is lost.
//!
//! ```text
//! EVERWIRE_NATS_LEADERS=10 cargo test --test nats_server -- --nocapture cluster    so many leaders
//! ```

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::support::{
    Names,
    cluster::Cluster,
    faults::{start, up},
    read::{all_by, numbers, published, texts},
    settings,
};
use async_nats::{Client, HeaderMap};
use everwire::{
    ConnectionSettings, Message, Pattern,
    config::{NatsOutSettings, Resend},
    testing::Script,
};
use serde_json::Value;
use tokio::time::{sleep, timeout};

const IN: [&str; 2] = ["in.a", "in.b"];
const OUT: [&str; 3] = ["out.a", "out.b", "out.c"];

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_loses_the_leader_of_a_stream_loses_no_message() {
    let asked = std::env::var("EVERWIRE_NATS_LEADERS");
    let kills: usize = asked.map_or(1, |kills| kills.parse().unwrap());
    let mut cluster = Cluster::start("cluster");
    let names = Names::open(&IN).await;
    let had = OUT.map(|_| Arc::new(Mutex::new(Vec::<usize>::new())));
    for (name, had) in OUT.into_iter().zip(&had) {
        let (path, had) = (format!("/{name}"), Arc::clone(had));
        let record = move |message: &Message| {
            let number = message.as_text().unwrap().parse().unwrap();
            had.lock().unwrap().push(number);
            Vec::new()
        };
        names.peer.script(&path, Script::reply_with(record));
        let mut out = ConnectionSettings::new(names.peer.url(&path)).unwrap();
        out.outbox.resend = Resend::InDoubt;
        names.manager.open(name, out).unwrap();
    }
    let mut settings = settings(cluster.first());
    settings.servers = cluster.urls();
    let inbound = settings.inbound.as_mut().unwrap();
    inbound.names = Pattern::new("in.*").unwrap();
    inbound.stream.replicas = 3;
    let mut outbound = NatsOutSettings::new(Pattern::new("out.*").unwrap());
    outbound.stream.replicas = 3;
    settings.outbound = Some(outbound);
    let (bridge, log) = start(&names, settings, cluster.first());
    up(&bridge).await;

    let ends = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = OUT
        .into_iter()
        .map(|name| {
            let (cluster, ends) = (cluster.urls(), Arc::clone(&ends));
            tokio::spawn(ask_until(cluster, name, ends))
        })
        .collect();
    let said = Arc::new(AtomicUsize::new(0));
    let manager = names.manager.clone();
    let saying = tokio::spawn(say_until(manager, Arc::clone(&said), Arc::clone(&ends)));

    for kill in 0..kills {
        sleep(Duration::from_millis(500)).await;
        let stream = if kill % 2 == 0 {
            "EVERWIRE_IN"
        } else {
            "EVERWIRE_OUT"
        };
        let begin = Instant::now();
        let server = cluster.kill_leader(stream).await;
        sleep(Duration::from_millis(500)).await;
        cluster.restart(server);
        for stream in ["EVERWIRE_IN", "EVERWIRE_OUT"] {
            cluster.is_whole(stream).await;
        }
        println!(
            "n{server}, the leader of {stream}: whole after {:?}",
            begin.elapsed()
        );
    }
    sleep(Duration::from_millis(500)).await;
    ends.store(true, Ordering::SeqCst);
    saying.await.unwrap();
    let count = said.load(Ordering::SeqCst);
    published(&bridge, 1).await;
    let read = all_by(cluster.client().await, "EVERWIRE_IN").await;
    let texts = texts(&read);
    for name in IN {
        assert_eq!(
            texts[&format!("everwire.in.{name}")],
            numbers(count),
            "{name}"
        );
    }
    let (mut sent, mut doubled) = (0, 0);
    for ((name, had), asking) in OUT.into_iter().zip(had).zip(asking) {
        let asked = asking.await.unwrap();
        let count = asked.unwrap_or_else(|number| {
            let had = had.lock().unwrap();
            let (status, lines) = (bridge.status(), log.lines());
            panic!(
                "{name}: {number} has no answer; the peer has had {had:?}; {status:?}, {lines:#?}"
            )
        });
        assert!(count > kills, "{name}: {count}");
        let mut next = 0;
        for number in had.lock().unwrap().iter().copied() {
            assert!(number <= next, "{name}: {number} in the place of {next}");
            doubled += usize::from(number < next);
            next = next.max(number + 1);
        }
        assert_eq!(next, count, "{name}");
        sent += count;
    }
    println!(
        "{kills} leaders killed: {} messages said, {} in the stream; {sent} sent, {doubled} of them twice",
        IN.len() * count,
        read.len()
    );
    assert!(
        bridge.status().inbound.dropped.is_empty(),
        "{:?}",
        log.lines()
    );
    bridge.stop(Duration::from_secs(5)).await;
}

/// Has numbers said to the names that are published, 400 a second each.
async fn say_until(manager: everwire::Manager, said: Arc<AtomicUsize>, ends: Arc<AtomicBool>) {
    while !ends.load(Ordering::SeqCst) {
        let number = said.fetch_add(1, Ordering::SeqCst).to_string();
        for name in IN {
            let handle = manager.find(name).unwrap();
            while handle.send(number.clone()).is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        }
        sleep(Duration::from_micros(2500)).await;
    }
}

/// Puts numbers on the queue, each once more until it is answered. How many, or which one was not.
async fn ask_until(
    servers: Vec<String>,
    name: &str,
    ends: Arc<AtomicBool>,
) -> Result<usize, usize> {
    let client = async_nats::connect(servers).await.unwrap();
    let mut number = 0;
    while !ends.load(Ordering::SeqCst) {
        let begin = Instant::now();
        while !is_confirmed(&client, name, number).await {
            if begin.elapsed() > Duration::from_secs(60) {
                return Err(number);
            }
            sleep(Duration::from_millis(50)).await;
        }
        number += 1;
    }
    Ok(number)
}

async fn is_confirmed(client: &Client, name: &str, number: usize) -> bool {
    let mut headers = HeaderMap::new();
    headers.insert("Nats-Msg-Id", format!("{name}-{number}"));
    let subject = format!("everwire.out.{name}");
    let asked = client.request_with_headers(subject, headers, number.to_string().into());
    let Ok(Ok(answer)) = timeout(Duration::from_secs(2), asked).await else {
        return false;
    };
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
    answer["fate"] == "confirmed"
}
