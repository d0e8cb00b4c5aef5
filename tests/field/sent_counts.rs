//! Sent messages that are not counted.
//!
//! Reported: a name logs in and subscribes with `on_open`, and sends nothing else; `sent` stayed at
//! 0 in its status and in the metrics, and there was no `sent` event, while the server's log showed
//! three messages after each reconnect. Heartbeat texts are not messages of the application, and
//! are not counted.

use bytes::Bytes;
use everwire::{
    Delivery, EventKind, Fate, Handle, Manager, Message, Pattern,
    config::{Heartbeat, Opening, Template},
    connection::Traffic,
    events::Sent,
    hub::Kinds,
    testing::{How, Peer, Script},
};

use crate::support::rig::*;

fn text(text: &str) -> Opening {
    Opening::Text(Template::literal(text))
}

/// A subscriber that also receives `sent`.
fn watch(manager: &Manager) -> Watch {
    let delivery = Delivery::default().kinds(Kinds::all());
    Watch::over(manager.subscribe(Pattern::all(), delivery))
}

/// The next `sent` event of an opening message.
async fn opening(watch: &mut Watch) {
    let sent = watch.sent(Fate::Written).await;
    let expected = Sent {
        id: 0,
        fate: Fate::Written,
        resent: false,
    };
    assert_eq!(sent, expected, "it has no id");
    let told = watch.seen().last().unwrap();
    assert!(told.contains(r#""id":null,"fate":"written""#), "{told}");
}

async fn sent(feed: &Handle, messages: u64, bytes: u64) {
    let expected = Traffic { messages, bytes };
    wait_for("what was sent", async || {
        match feed.status().await.unwrap().sent {
            now if now == expected => Ok(()),
            now => Err(now),
        }
    })
    .await;
}

#[tokio::test]
async fn opening_messages_and_connects_data_are_sent_on_each_socket() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", Script::echo());
    let manager = one_arbiter();
    let mut watch = watch(&manager);
    let mut settings = quick(peer.url("/"));
    settings.on_open = vec![
        text("log in"),
        Opening::Binary(Bytes::from_static(&[1, 2, 3])),
    ];
    settings.enabled = false;
    let feed = manager.open("feed", settings).unwrap();
    feed.connect(Some("hello".into())).await.unwrap();
    for _ in 0..3 {
        opening(&mut watch).await;
    }
    sent(&feed, 3, 14).await;
    feed.send("x").unwrap();
    assert_eq!(watch.sent(Fate::Written).await.id, 1);
    sent(&feed, 4, 15).await;
    feed.connect(Some("hello again".into())).await.unwrap();
    opening(&mut watch).await;
    sent(&feed, 5, 26).await;

    peer.kick("/", How::Reset);
    for _ in 0..3 {
        opening(&mut watch).await;
    }
    sent(&feed, 8, 46).await;
}

#[tokio::test]
async fn the_opening_messages_of_a_successor_are_sent_too() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", Script::echo());
    let manager = one_arbiter();
    let mut watch = watch(&manager);
    let mut settings = quick(peer.url("/"));
    settings.on_open = vec![text("log in")];
    let feed = manager.open("feed", settings).unwrap();
    opening(&mut watch).await;
    feed.rotate().await.unwrap();
    opening(&mut watch).await;
    sent(&feed, 2, 12).await;
}

#[tokio::test]
async fn the_texts_of_a_heartbeat_are_not_counted() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", Script::text_heartbeat());
    let manager = one_arbiter();
    let mut settings = quick(peer.url("/"));
    settings.on_open = vec![text("log in")];
    settings.heartbeat = Heartbeat::Text {
        interval: ms(10),
        timeout: ms(10_000),
        ping: "ping".into(),
        pong: "pong".into(),
        fence: true,
        deliver: false,
    };
    let feed = manager.open("feed", settings).unwrap();
    let fate = feed.send("x").unwrap().fate(Fate::Confirmed).await;
    assert_eq!(fate, Fate::Confirmed);
    wait_for("some beats", async || {
        let connection = peer.connections_at("/").remove(0);
        let ping = Message::text("ping");
        let beats = connection
            .messages
            .iter()
            .filter(|message| **message == ping);
        match beats.count() {
            0..5 => Err(connection.messages.len()),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!(
        feed.status().await.unwrap().sent,
        Traffic {
            messages: 2,
            bytes: 7
        }
    );
}

/// A message is sent when the kernel has accepted all of it.
#[tokio::test]
async fn an_opening_message_that_the_peer_does_not_read_is_not_sent_yet() {
    let peer = Peer::spawn_thread().unwrap();
    peer.script("/", Script::sink().read_rate(50_000));
    let manager = one_arbiter();
    let mut settings = quick(peer.url("/"));
    settings.on_open = vec![text("log in"), text(&"x".repeat(8 << 20))];
    let feed = manager.open("feed", settings).unwrap();
    sent(&feed, 1, 6).await;
    feed.send("behind it").unwrap();
    let mut watch = Watch::new(&manager, "feed");
    peer.kick("/", How::Reset);
    watch
        .until("the loss", |update| {
            matches!(
                update.kind(),
                Some(EventKind::Closed(_) | EventKind::Error(_))
            )
            .then_some(())
        })
        .await;
    let now = feed.status().await.unwrap().sent;
    assert!(now.messages <= 2 && now.bytes < 1 << 20, "{now:?}");
}
