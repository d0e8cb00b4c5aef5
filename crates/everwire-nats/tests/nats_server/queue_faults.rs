//! Faults of the work queue: each message is sent once, and its sender learns its fate.

use std::time::Duration;

use crate::support::{
    Names, Server,
    cut::Cut,
    faults::{Log, start, up},
    read::numbers,
    until_async,
};
use async_nats::{HeaderMap, Subscriber, jetstream};
use everwire::{
    ConnectionSettings, Pattern,
    config::{NatsOutSettings, NatsSettings, Resend, WhenFull},
    testing::Script,
};
use everwire_nats::Bridge;
use futures::StreamExt;
use serde_json::{Value as Json, json};

fn settings(url: String) -> NatsSettings {
    let mut settings = NatsSettings::new(vec![url]);
    settings.outbound = Some(NatsOutSettings::new(Pattern::all()));
    settings
}

/// A bridge with a name that is closed by hand and one that is open.
async fn scene(server: &Server, url: String) -> (Names, Bridge, Log) {
    let names = Names::open(&["up"]).await;
    names.peer.script("/down", Script::sink());
    let mut down = ConnectionSettings::new(names.peer.url("/down")).unwrap();
    (down.enabled, down.outbox.resend) = (false, Resend::InDoubt);
    names.manager.open("down", down).unwrap();
    let (bridge, log) = start(&names, settings(url), server);
    up(&bridge).await;
    (names, bridge, log)
}

async fn put(client: &async_nats::Client, subject: &str, texts: &[String]) {
    for text in texts {
        client
            .publish(subject.to_owned(), text.clone().into())
            .await
            .unwrap();
    }
    client.flush().await.unwrap();
}

async fn held(bridge: &Bridge, count: u64) {
    until_async("they are held", async || {
        bridge.status().outbound.held == count
    })
    .await;
}

async fn left(server: &Server) -> u64 {
    let context = jetstream::new(server.client().await);
    let stream = context.get_stream("EVERWIRE_OUT").await.unwrap();
    stream.cached_info().state.messages
}

/// The messages that the peer received from the closed name.
fn heard(names: &Names) -> Vec<String> {
    let connections = names.peer.connections_at("/down");
    let texts = connections.iter().flat_map(|connection| connection.texts());
    texts.map(str::to_owned).collect()
}

async fn connect(names: &Names) {
    names
        .manager
        .find("down")
        .unwrap()
        .connect(None)
        .await
        .unwrap();
}

async fn all_have_left(server: &Server, bridge: &Bridge) {
    until_async("all have left the queue", async || left(server).await == 0).await;
    held(bridge, 0).await;
}

#[tokio::test]
async fn what_has_left_and_what_has_not_is_not_sent_twice_when_the_word_is_lost() {
    let server = Server::start("word");
    for is_stored in [true, false] {
        let way = Cut::start(&server.url()).await;
        let (names, bridge, _) = scene(&server, way.url()).await;
        put(&server.client().await, "everwire.out.down", &numbers(20)).await;
        held(&bridge, 20).await;
        // Whether the server learns that they are done.
        match is_stored {
            true => way.deafen(),
            false => way.silence(),
        }
        connect(&names).await;
        until_async("they are sent", async || {
            bridge.status().outbound.sent == 20
        })
        .await;
        match is_stored {
            true => until_async("they have left", async || left(&server).await == 0).await,
            false => assert_eq!(left(&server).await, 20),
        }
        way.cut().await;
        way.heal();
        all_have_left(&server, &bridge).await;
        up(&bridge).await;
        put(
            &server.client().await,
            "everwire.out.down",
            &["20".to_owned()],
        )
        .await;
        until_async("the next is sent", async || {
            bridge.status().outbound.sent == 21
        })
        .await;
        assert_eq!(heard(&names), numbers(21), "{is_stored}");
        all_have_left(&server, &bridge).await;
        bridge.stop(Duration::from_secs(5)).await;
    }
}

/// How many deliveries the consumer has made.
async fn delivered(server: &Server) -> u64 {
    let context = jetstream::new(server.client().await);
    let stream = context.get_stream("EVERWIRE_OUT").await.unwrap();
    let consumer = stream.consumers().next().await.unwrap().unwrap();
    consumer.delivered.consumer_sequence
}

#[tokio::test]
async fn a_delivery_that_is_lost_while_the_connection_stays_is_made_again_in_order() {
    let server = Server::start("delivery");
    let way = Cut::start(&server.url()).await;
    let (names, bridge, log) = scene(&server, way.url()).await;
    let client = server.client().await;
    let subject = "everwire.out.down";
    let numbers = numbers(6);
    put(&client, subject, &numbers[..2]).await;
    held(&bridge, 2).await;
    for (number, is_followed) in [(2, true), (4, false)] {
        let before = delivered(&server).await;
        way.deafen();
        put(&client, subject, &numbers[number..=number]).await;
        until_async("it is delivered", async || {
            delivered(&server).await > before
        })
        .await;
        way.heal();
        if is_followed {
            put(&client, subject, &numbers[number + 1..=number + 1]).await;
        }
        held(&bridge, number as u64 + 1 + u64::from(is_followed)).await;
    }
    assert!(
        log.has("nats.out carries nothing: the connection to NATS was lost: a message of the queue did not arrive"),
        "{:?}",
        log.lines()
    );
    put(&client, subject, &numbers[5..]).await;
    connect(&names).await;
    all_have_left(&server, &bridge).await;
    assert_eq!(heard(&names), numbers);
    bridge.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_server_that_is_restarted_while_messages_are_on_their_way_doubles_none() {
    let mut server = Server::start("way");
    let (names, bridge, _) = scene(&server, server.url()).await;
    names.peer.script("/down", Script::sink().read_rate(4000));
    let count = 900;
    put(&server.client().await, "everwire.out.down", &numbers(count)).await;
    held(&bridge, 128).await;
    connect(&names).await;
    for step in 1..4 {
        until_async("some are heard", async || heard(&names).len() > step * 100).await;
        server.stop();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.restart();
    }
    all_have_left(&server, &bridge).await;
    assert_eq!(heard(&names), numbers(count));
}

#[tokio::test]
async fn a_stream_that_is_made_anew_does_not_take_its_messages_for_others() {
    let server = Server::start("anew");
    let (names, bridge, _) = scene(&server, server.url()).await;
    let client = server.client().await;
    let context = jetstream::new(client.clone());
    put(&client, "everwire.out.down", &numbers(5)).await;
    held(&bridge, 5).await;
    context.delete_stream("EVERWIRE_OUT").await.unwrap();
    until_async("it is made again", async || {
        context.get_stream("EVERWIRE_OUT").await.is_ok()
    })
    .await;
    let new: Vec<String> = (0..5).map(|number| format!("new {number}")).collect();
    put(&client, "everwire.out.down", &new).await;
    until_async("they are there", async || left(&server).await == 5).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    connect(&names).await;
    all_have_left(&server, &bridge).await;
    let heard = heard(&names);
    assert!(heard.ends_with(&new), "{heard:?}");
}

async fn next(answers: &mut Subscriber) -> Json {
    let answer = tokio::time::timeout(Duration::from_secs(20), answers.next()).await;
    serde_json::from_slice(&answer.expect("an answer").unwrap().payload).unwrap()
}

#[tokio::test]
async fn what_expires_or_is_evicted_is_answered_and_leaves() {
    let server = Server::start("fates");
    let names = Names::open(&[]).await;
    let mut short = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
    short.outbox.ttl = Some(Duration::from_millis(200));
    names.manager.open("short", short).unwrap();
    let mut small = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
    (small.outbox.messages, small.outbox.when_full) = (2, WhenFull::DropOldest);
    small.outbox.resend = Resend::InDoubt;
    names.manager.open("small", small).unwrap();
    let (bridge, _) = start(&names, settings(server.url()), &server);
    up(&bridge).await;
    let client = server.client().await;
    let mut answers = client.subscribe("answers").await.unwrap();
    client
        .publish_with_reply("everwire.out.short", "answers", "x".into())
        .await
        .unwrap();
    let answer = next(&mut answers).await;
    assert_eq!(answer["fate"], "expired", "{answer}");
    assert_eq!(
        answer["problem"],
        json!({ "reason": "expired", "detail": "the message was expired" })
    );
    for number in numbers(5) {
        client
            .publish_with_reply("everwire.out.small", "answers", number.into())
            .await
            .unwrap();
    }
    for seq in 2..5 {
        let answer = next(&mut answers).await;
        assert_eq!(
            (&answer["fate"], &answer["seq"]),
            (&json!("evicted"), &json!(seq)),
            "{answer}"
        );
    }
    until_async("two wait", async || left(&server).await == 2).await;
    until_async("all are counted", async || {
        bridge.status().outbound.refused == 4
    })
    .await;
}

#[tokio::test]
async fn a_name_that_is_made_later_is_sent_to() {
    let server = Server::start("later");
    let (names, _bridge, log) = scene(&server, server.url()).await;
    let client = server.client().await;
    let mut answers = client.subscribe("answers").await.unwrap();
    let ask = async || {
        client
            .publish_with_reply("everwire.out.later", "answers", "x".into())
            .await
            .unwrap()
    };
    ask().await;
    let answer = next(&mut answers).await;
    assert_eq!(answer["problem"]["reason"], "unknown_name", "{answer}");
    let expected =
        "messages for later are refused (unknown_name): no connection of this name is bridged";
    assert!(log.has(expected), "{:?}", log.lines());
    let settings = ConnectionSettings::new(names.peer.url("/echo")).unwrap();
    names.manager.open("later", settings).unwrap();
    ask().await;
    let answer = next(&mut answers).await;
    assert_eq!(answer["fate"], "confirmed", "{answer}");
}

#[tokio::test]
async fn an_answer_is_no_request_with_the_bridges_permissions() {
    let server = Server::start_with(
        "answers",
        "jetstream { store_dir: \"FOLDER/jetstream\" }\n\
         authorization { users: [ { user: all, password: all }, { user: bridge, password: b, \
         permissions: { publish: { deny: \"secret.>\" } } } ] }",
    );
    let names = Names::open(&["up", "other"]).await;
    let mut settings = settings(server.url());
    settings.user = Some("bridge".into());
    settings.password = Some("b".into());
    let (bridge, log) = start(&names, settings, &server);
    up(&bridge).await;
    let all = async_nats::ConnectOptions::with_user_and_password("all".into(), "all".into());
    let client = all.connect(server.url()).await.unwrap();
    for subject in [
        "$JS.API.STREAM.PURGE.EVERWIRE_OUT",
        "everwire.out.other",
        "secret.x",
        "not one",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("Everwire-Reply", subject);
        let asked = client
            .request_with_headers("everwire.out.up", headers, subject.into())
            .await;
        let answer: Json = serde_json::from_slice(&asked.unwrap().payload).unwrap();
        assert_eq!(answer["fate"], "confirmed", "{answer}");
    }
    for text in [
        "nobody is answered at $JS.API.STREAM.PURGE.EVERWIRE_OUT: no answer may go to it",
        "nobody is answered at everwire.out.other: no answer may go to it",
        "nobody is answered at secret.x: the server does not allow it",
    ] {
        until_async(text, async || log.has(text)).await;
    }
    until_async("each was sent", async || bridge.status().outbound.sent == 4).await;
    // The connection was kept.
    let status = bridge.status();
    assert!(
        status.server.is_some() && status.error.is_none(),
        "{status:?}"
    );
    let connections = names.peer.connections_at("/echo");
    let heard: usize = connections
        .iter()
        .map(|connection| connection.texts().len())
        .sum();
    assert_eq!(heard, 4);
}
