//! A message on the queue is sent, and removed once it has arrived.

use std::time::Duration;

use crate::support::{Names, Server, until_async};
use async_nats::{HeaderMap, jetstream};
use everwire::{
    ConnectionSettings, Pattern,
    config::{NatsOutSettings, NatsSettings, Resend},
};
use everwire_nats::{Bridge, Observer};
use futures::StreamExt;
use serde_json::Value as Json;

fn settings(server: &Server) -> NatsSettings {
    let mut settings = NatsSettings::new(vec![server.url()]);
    settings.outbound = Some(NatsOutSettings::new(Pattern::all()));
    settings
}

fn start(server: &Server, names: &Names) -> Bridge {
    Bridge::start(
        names.manager.clone(),
        settings(server),
        server.folder(),
        Observer::default(),
    )
    .unwrap()
}

async fn left(server: &Server) -> u64 {
    let context = jetstream::new(server.client().await);
    let Ok(mut stream) = context.get_stream("EVERWIRE_OUT").await else {
        return u64::MAX;
    };
    stream.info().await.unwrap().state.messages
}

async fn ready(server: &Server) {
    until_async("the queue is there", async || {
        left(server).await != u64::MAX
    })
    .await;
}

async fn ask(client: &async_nats::Client, subject: &str, text: &str) -> Json {
    let request = client.request(subject.to_owned(), text.to_owned().into());
    let answer = tokio::time::timeout(Duration::from_secs(20), request)
        .await
        .unwrap()
        .unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

#[tokio::test]
async fn a_request_is_sent_and_answered_with_its_fate() {
    let server = Server::start("request");
    let names = Names::open(&["account:1"]).await;
    let mut heard = names
        .manager
        .subscribe(Pattern::all(), everwire::Delivery::default());
    let bridge = start(&server, &names);
    ready(&server).await;
    let client = server.client().await;
    let answer = ask(&client, "everwire.out.account=3A1", r#"{"op":"ping"}"#).await;
    assert_eq!(answer["fate"], "confirmed", "{answer}");
    assert_eq!(
        (&answer["id"], &answer["name"]),
        (&1.into(), &"account:1".into())
    );
    let back = async {
        loop {
            let update = heard.next().await.unwrap();
            if let Some((_, message)) = update.message() {
                return message.as_text().unwrap().to_owned();
            }
        }
    };
    let back = tokio::time::timeout(Duration::from_secs(5), back)
        .await
        .unwrap();
    assert_eq!(back, r#"{"op":"ping"}"#);
    until_async("it has left the queue", async || left(&server).await == 0).await;
    until_async("it is counted", async || bridge.status().outbound.sent == 1).await;
    bridge.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_can_never_be_sent_is_refused_with_its_reason_and_holds_up_nobody() {
    let server = Server::start("refused");
    let names = Names::open(&["a"]).await;
    let mut mute = ConnectionSettings::new(names.peer.url("/echo")).unwrap();
    mute.heartbeat = everwire::Heartbeat::Off;
    names.manager.open("mute", mute).unwrap();
    let mut short = ConnectionSettings::new(names.peer.url("/echo")).unwrap();
    short.outbox.bytes = 10;
    names.manager.open("short", short).unwrap();
    let bridge = start(&server, &names);
    ready(&server).await;
    let client = server.client().await;
    for (subject, payload, reason) in [
        ("everwire.out.nobody", "x", "unknown_name"),
        ("everwire.out.a=3B", "x", "unknown_name"),
        ("everwire.out.mute", "x", "no_fence"),
        ("everwire.out.short", "x".repeat(100).as_str(), "too_large"),
    ] {
        let answer = ask(&client, subject, payload).await;
        assert_eq!(answer["fate"], "rejected", "{answer}");
        assert_eq!(answer["problem"]["reason"], reason, "{answer}");
    }
    let request = client
        .request("everwire.out.a", vec![0xff].into())
        .await
        .unwrap();
    let answer: Json = serde_json::from_slice(&request.payload).unwrap();
    assert_eq!(answer["problem"]["reason"], "not_text");
    let mut headers = HeaderMap::new();
    headers.insert("Everwire-Binary", "true");
    let request = client
        .request_with_headers("everwire.out.a", headers, vec![0xff].into())
        .await
        .unwrap();
    let answer: Json = serde_json::from_slice(&request.payload).unwrap();
    assert_eq!(answer["fate"], "confirmed");
    until_async("all have left the queue", async || left(&server).await == 0).await;
    bridge.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_name_that_is_down_holds_up_no_other_and_gets_all_in_order_when_it_is_up() {
    let server = Server::start("down");
    let names = Names::open(&["up"]).await;
    let mut down = ConnectionSettings::new(names.peer.url("/echo")).unwrap();
    (down.enabled, down.outbox.resend) = (false, Resend::InDoubt);
    let handle = names.manager.open("down", down).unwrap();
    let mut heard = names
        .manager
        .subscribe(Pattern::new("down").unwrap(), everwire::Delivery::default());
    let bridge = start(&server, &names);
    ready(&server).await;
    let client = server.client().await;
    let count = 3000;
    for number in 0..count {
        client
            .publish("everwire.out.down", format!("{number}").into())
            .await
            .unwrap();
    }
    let answer = ask(&client, "everwire.out.up", "x").await;
    assert_eq!(answer["fate"], "confirmed");
    until_async("the name holds what it may", async || {
        let out = bridge.status().outbound;
        out.held == 128 && out.names_behind == 1
    })
    .await;
    handle.connect(None).await.unwrap();
    let mut back = Vec::new();
    while back.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(20), heard.next());
        let update = next.await.expect("all of them").unwrap();
        if let Some((_, message)) = update.message() {
            back.push(message.as_text().unwrap().parse::<usize>().unwrap());
        }
    }
    assert_eq!(back, (0..count).collect::<Vec<_>>());
    until_async("all have left the queue", async || left(&server).await == 0).await;
    assert!(bridge.status().outbound.read_again > 2000);
    bridge.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_waits_survives_the_server_and_a_second_process_is_told() {
    let mut server = Server::start("survives");
    let names = Names::open(&["a"]).await;
    let bridge = start(&server, &names);
    ready(&server).await;
    let other = server.folder().join("other");
    std::fs::create_dir_all(&other).unwrap();
    let second = Bridge::start(
        names.manager.clone(),
        settings(&server),
        &other,
        Observer::default(),
    )
    .unwrap();
    until_async("the second is told", async || {
        second
            .status()
            .error
            .is_some_and(|error| error.code == "nats_queue_taken")
    })
    .await;
    second.stop(Duration::ZERO).await;
    for round in 0..3 {
        let client = server.client().await;
        for number in 0..200 {
            client
                .publish("everwire.out.a", format!("{round} {number}").into())
                .await
                .unwrap();
        }
        client.flush().await.unwrap();
        drop(client);
        // A killed server loses unwritten messages, which it has not acknowledged.
        server.stop();
        server.restart();
    }
    until_async("all have left the queue", async || left(&server).await == 0).await;
    until_async("each was sent", async || {
        bridge.status().outbound.sent >= 600
    })
    .await;
    bridge.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn an_answer_goes_to_the_subject_in_the_header_after_a_restart() {
    let server = Server::start("header");
    let names = Names::open(&["a"]).await;
    let first = start(&server, &names);
    ready(&server).await;
    first.stop(Duration::from_secs(1)).await;
    let client = server.client().await;
    let mut answers = client.subscribe("answers").await.unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("Everwire-Reply", "answers");
    client
        .publish_with_headers("everwire.out.a", headers, "x".into())
        .await
        .unwrap();
    client.flush().await.unwrap();
    let bridge = start(&server, &names);
    let answer = tokio::time::timeout(Duration::from_secs(20), answers.next())
        .await
        .unwrap()
        .unwrap();
    let answer: Json = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(answer["fate"], "confirmed");
    bridge.stop(Duration::from_secs(5)).await;
}

/// The answer to a message, if one comes within half a second.
async fn heard_soon(answers: &mut async_nats::Subscriber) -> Option<Json> {
    let answer = tokio::time::timeout(Duration::from_millis(500), answers.next()).await;
    let answer = answer.ok()?.unwrap();
    Some(serde_json::from_slice(&answer.payload).unwrap())
}

#[tokio::test]
async fn nobody_is_told_of_another_message_that_says_the_same() {
    let server = Server::start("same");
    let names = Names::open(&["a"]).await;
    let bridge = start(&server, &names);
    ready(&server).await;
    let client = server.client().await;
    client.publish("everwire.out.a", "x".into()).await.unwrap();
    until_async("it has arrived", async || {
        bridge.status().outbound.sent == 1
    })
    .await;
    let handle = names.manager.find("a").unwrap();
    handle.close(1000, "").await.unwrap();
    let mut answers = client.subscribe("answers").await.unwrap();
    client
        .publish_with_reply("everwire.out.a", "answers", "x".into())
        .await
        .unwrap();
    assert_eq!(heard_soon(&mut answers).await, None);
    handle.connect(None).await.unwrap();
    let answer = answers.next().await.unwrap();
    let answer: Json = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(
        (&answer["fate"], &answer["id"]),
        (&"confirmed".into(), &2.into())
    );
    bridge.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_sender_that_asks_again_with_the_same_id_hears_what_became_of_it() {
    let server = Server::start("again");
    let names = Names::open(&["a"]).await;
    let bridge = start(&server, &names);
    ready(&server).await;
    let client = server.client().await;
    for _ in 0..3 {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", "4711");
        let asked = client.request_with_headers("everwire.out.a", headers, "x".into());
        let answer: Json = serde_json::from_slice(&asked.await.unwrap().payload).unwrap();
        assert_eq!(
            (&answer["fate"], &answer["id"]),
            (&"confirmed".into(), &1.into())
        );
    }
    assert_eq!(left(&server).await, 0);
    bridge.stop(Duration::from_secs(5)).await;
}
