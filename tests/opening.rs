//! The messages on each new socket, and the heartbeat that follows.

mod support;

use everwire::{
    Connect, EventKind, Message, Rejected, State,
    config::{Heartbeat, Opening, Template},
    core::Cause,
    testing::{How, Pongs, Script},
};
use support::{SOON, rig::*};

fn login(settings: &mut everwire::ConnectionSettings) {
    settings.on_open = vec![
        Opening::Text(Template::literal("login")),
        Opening::Binary(vec![1, 2, 3].into()),
    ];
}

#[tokio::test]
async fn on_open_then_connects_data_then_the_outbox_on_every_socket() {
    let mut rig = Rig::new();
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open_with("/sink", login);
    feed.connect(Some("subscribe".into())).await.unwrap();
    feed.send("queued while down").unwrap();
    rig.watch.retrying().await;
    rig.peer.resume().await.unwrap();
    for round in 0..3u64 {
        rig.watch.ready().await;
        let text = format!("round {round}");
        feed.send(text.as_str()).unwrap();
        let wanted = if round == 0 { 5 } else { 4 };
        rig.peer
            .wait_until("all messages of a round", SOON, |peer| {
                peer.connections_at("/sink")
                    .last()
                    .is_some_and(|log| log.message_count == wanted)
            })
            .await
            .unwrap();
        let mut expected = vec![
            Message::text("login"),
            Message::binary(vec![1, 2, 3]),
            Message::text("subscribe"),
        ];
        expected.extend((round == 0).then(|| Message::text("queued while down")));
        expected.push(Message::text(text));
        assert_eq!(
            rig.peer.connections_at("/sink").last().unwrap().messages,
            expected
        );
        rig.peer.kick_all(How::Reset);
    }
}

#[tokio::test]
async fn connect_while_up_sends_at_once_keeps_the_socket_and_replaces_the_data() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    for data in ["first", "second"] {
        feed.addr()
            .send(Connect {
                data: Some(data.into()),
            })
            .await
            .unwrap()
            .unwrap();
        rig.watch.text(data).await;
    }
    feed.connect(None).await.unwrap();
    assert_eq!(rig.peer.accepted(), 1);
    rig.peer.kick_all(How::Fin);
    rig.watch.text("second").await;
    assert_eq!(rig.peer.connections().last().unwrap().texts(), ["second"]);
}

#[tokio::test]
async fn a_close_by_hand_forgets_the_data() {
    let mut rig = Rig::new();
    let feed = rig.open("/sink");
    feed.connect(Some("old".into())).await.unwrap();
    rig.watch.ready().await;
    feed.close(1000, "").await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    feed.send("new").unwrap();
    let seen = rig
        .peer
        .wait_for("/sink", SOON, |log| log.id == 2 && log.message_count == 1)
        .await;
    assert_eq!(seen.unwrap().texts(), ["new"]);
}

#[tokio::test]
async fn more_data_than_may_wait_is_refused() {
    let mut rig = Rig::new();
    let feed = rig.open("/silent");
    rig.watch.ready().await;
    let mut full = false;
    for _ in 0..200 {
        // All in one turn of the mailbox, so that the driver cannot send them in between.
        let asked: Vec<_> = (0..100)
            .map(|_| {
                feed.addr().send(Connect {
                    data: Some("x".into()),
                })
            })
            .collect();
        let answers = futures::future::join_all(asked).await;
        full = answers
            .iter()
            .any(|answer| matches!(answer, Ok(Err(Rejected::Full))));
        if full {
            break;
        }
    }
    assert!(full, "no limit on the data that waits");
}

fn text_heartbeat(settings: &mut everwire::ConnectionSettings) {
    settings.heartbeat = Heartbeat::Text {
        interval: ms(20),
        timeout: ms(500),
        ping: "ping".into(),
        pong: "pong".into(),
        fence: false,
        deliver: false,
    };
}

#[tokio::test]
async fn a_text_heartbeat_is_answered_and_not_delivered() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/heartbeat", text_heartbeat);
    rig.peer
        .wait_for("/heartbeat", SOON, |log| log.message_count >= 5)
        .await
        .unwrap();
    rig.echoes(&feed, "a real message").await;
    let messages: Vec<_> = rig
        .watch
        .seen()
        .iter()
        .filter(|event| event.contains(r#""type":"message""#))
        .collect();
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let status = feed.status().await.unwrap();
    assert!(status.rtt.is_some());
    assert_eq!((status.received.messages, status.incarnation), (1, 1));
}

#[tokio::test]
async fn a_text_heartbeats_answers_are_delivered_where_that_is_wanted() {
    let mut rig = Rig::new();
    let _feed = rig.open_with("/heartbeat", |settings| {
        text_heartbeat(settings);
        if let Heartbeat::Text { deliver, .. } = &mut settings.heartbeat {
            *deliver = true;
        }
    });
    rig.watch.text("pong").await;
    rig.watch.text("pong").await;
}

#[tokio::test]
async fn a_text_ping_without_its_pong_is_a_loss() {
    let mut rig = Rig::new();
    rig.peer
        .script_each("/once", [Script::sink(), Script::text_heartbeat()]);
    let feed = rig.open_with("/once", text_heartbeat);
    assert_eq!(rig.watch.error().await, Cause::PongTimeout);
    rig.watch.ready().await;
    rig.echoes(&feed, "back").await;
}

#[tokio::test]
async fn a_pong_with_another_payload_is_no_answer() {
    for (pongs, cause) in [
        (Pongs::Ignore, Cause::PongTimeout),
        (Pongs::Wrong, Cause::ForeignPongs),
    ] {
        let mut rig = Rig::new();
        rig.peer
            .script_each("/once", [Script::echo().pongs(pongs), Script::echo()]);
        let feed = rig.open_with("/once", |settings| {
            settings.heartbeat = Heartbeat::Protocol {
                interval: ms(20),
                timeout: ms(300),
            };
        });
        assert_eq!(rig.watch.error().await, cause);
        rig.watch.ready().await;
        rig.echoes(&feed, "back").await;
    }
}

#[tokio::test]
async fn protocol_pings_go_out_on_an_interval_and_give_the_round_trip() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| {
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(10),
            timeout: ms(10_000),
        };
    });
    rig.watch.ready().await;
    for socket in 1..=2 {
        rig.peer
            .wait_for("/echo", SOON, |log| log.id == socket && log.ping_count >= 5)
            .await
            .unwrap();
        assert!(feed.status().await.unwrap().rtt.is_some());
        // The next incarnation sends heartbeats as well.
        rig.peer.kick_all(How::Fin);
        rig.watch.ready().await;
    }
}

#[tokio::test]
async fn silence_beyond_idle_timeout_is_a_loss_and_messages_put_it_off() {
    let mut rig = Rig::new();
    rig.peer.script_each(
        "/once",
        [
            Script::sink().feed(ms(20), Some(30)),
            Script::echo().feed(ms(20), None),
        ],
    );
    let _feed = rig.open_with("/once", |settings| settings.idle_timeout = Some(ms(500)));
    let mut messages = 0;
    let cause = rig
        .watch
        .until("the loss", |update| match update.kind() {
            Some(EventKind::Message(_)) => {
                messages += 1;
                None
            }
            Some(EventKind::Error(report)) => Some(report.cause.clone()),
            _ => None,
        })
        .await;
    assert_eq!((cause, messages), (Cause::IdleTimeout, 30));
    rig.watch.ready().await;
    rig.watch.message().await;
}
