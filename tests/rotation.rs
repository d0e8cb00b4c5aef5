//! Make before break: another socket takes over, and subscribers neither miss messages nor receive
//! them twice.

mod support;

use std::time::Duration;

use everwire::{
    EventKind, Message, NotOpen, State,
    config::{Heartbeat, Resend, RotationMode, SequenceSettings},
    core::JsonPointer,
    testing::{How, Script},
};
use support::rig::*;

/// The peer sends this on all its sockets.
fn broadcast(rig: &Rig, number: u64) {
    rig.peer.send("/sink", format!(r#"{{"n":{number}}}"#));
}

/// The received numbers, up to `last`.
async fn hear(rig: &mut Rig, last: u64) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.last() != Some(&last) {
        let message = rig.watch.message().await;
        let text = message.as_text().unwrap();
        heard.push(text[5..text.len() - 1].parse().unwrap());
    }
    heard
}

async fn broadcasting(
    change: impl FnOnce(&mut everwire::ConnectionSettings),
) -> (Rig, everwire::Handle) {
    let mut rig = Rig::new();
    rig.peer.script("/sink", Script::sink());
    let feed = rig.open_with("/sink", change);
    rig.watch.ready().await;
    (rig, feed)
}

async fn rotates_without_a_hole(change: impl FnOnce(&mut everwire::ConnectionSettings)) {
    let (mut rig, feed) = broadcasting(change).await;
    let mut number = 0;
    for _ in 0..5 {
        let sockets = rig.peer.connections().len();
        feed.rotate().await.unwrap();
        // Sent before, while and after the successor takes over.
        while rig.peer.connections().len() == sockets || rig.peer.open_count() > 1 {
            number += 1;
            broadcast(&rig, number);
            tokio::time::sleep(ms(1)).await;
        }
        number += 1;
        broadcast(&rig, number);
    }
    assert_eq!(
        hear(&mut rig, number).await,
        (1..=number).collect::<Vec<_>>()
    );
    let gaps = rig
        .watch
        .seen()
        .iter()
        .filter(|event| event.contains(r#""type":"gap""#))
        .count();
    assert_eq!(gaps, 0);
}

#[tokio::test]
async fn a_broadcast_is_heard_once_over_rotations() {
    rotates_without_a_hole(|_| {}).await;
}

#[tokio::test]
async fn a_numbered_broadcast_is_heard_once_over_rotations() {
    rotates_without_a_hole(|settings| {
        settings.sequence = Some(SequenceSettings::new(JsonPointer::new("/n").unwrap()));
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_during_rotations_arrives_once_and_in_order() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| {
        settings.heartbeat = Heartbeat::default();
    });
    rig.watch.ready().await;
    for number in 0..200 {
        feed.send(number.to_string()).unwrap();
        if number % 40 == 10 {
            feed.rotate().await.unwrap();
        }
        tokio::time::sleep(ms(1)).await;
    }
    for number in 0..200 {
        assert_eq!(rig.watch.message().await, Message::text(number.to_string()));
    }
    let logs = rig.peer.connections();
    let arrived: Vec<&str> = logs.iter().flat_map(|log| log.texts()).collect();
    assert_eq!(
        arrived,
        (0..200)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    );
    assert!(logs.len() > 3, "{} sockets", logs.len());
}

#[tokio::test]
async fn a_successor_that_cannot_be_had_leaves_the_old_socket_alone() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    rig.peer.script("/echo", Script::status(503));
    feed.rotate().await.unwrap();
    let status = rig
        .watch
        .until("error", |update| match update.kind() {
            Some(EventKind::Error(report)) => report.cause.status(),
            _ => None,
        })
        .await;
    assert_eq!(status, 503);
    rig.echoes(&feed, "still here").await;
    let status = feed.status().await.unwrap();
    assert!(
        status
            .rotation
            .is_some_and(|rotation| rotation.failures >= 1),
        "{status:?}"
    );
    rig.peer.script("/echo", Script::echo());
    rig.watch.rotated().await;
    assert_eq!(feed.status().await.unwrap().rotation, None);
    rig.echoes(&feed, "moved").await;
}

#[tokio::test]
async fn a_socket_is_replaced_when_it_is_old_enough() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| {
        settings.rotate_after = Some(Duration::from_millis(50));
    });
    rig.watch.ready().await;
    for _ in 0..3 {
        let rotated = rig.watch.rotated().await;
        assert!(rotated.old.clean);
        rig.echoes(&feed, "on").await;
        assert!(rig.peer.open_count() <= 2, "never more than two sockets");
    }
}

#[tokio::test]
async fn a_name_that_is_down_has_nothing_to_rotate() {
    let mut rig = Rig::new();
    let feed = rig.open("/status/503");
    rig.watch.retrying().await;
    assert!(matches!(feed.rotate().await, Err(NotOpen::Lost(_))));
}

#[tokio::test]
async fn a_loss_while_the_successor_is_dialled_is_an_ordinary_loss() {
    let (mut rig, feed) = broadcasting(|settings| settings.connect_timeout = ms(5000)).await;
    rig.peer.script("/sink", Script::sink().wait(ms(0)));
    rig.peer.stop_listening().await.unwrap();
    feed.rotate().await.unwrap();
    rig.peer.kick_all(How::Fin);
    rig.peer.resume().await.unwrap();
    rig.watch.ready().await;
    broadcast(&rig, 7);
    assert_eq!(hear(&mut rig, 7).await, [7]);
}

/// A name whose server allows one socket at a time.
fn replacing(rig: &Rig, path: &str) -> everwire::Handle {
    rig.open_with(path, |settings| {
        settings.rotation = RotationMode::Replace;
        settings.heartbeat = Heartbeat::default();
    })
}

#[tokio::test]
async fn a_socket_that_gives_way_ends_before_the_next_is_dialled_and_that_is_told_as_a_rotation() {
    let mut rig = Rig::new();
    let feed = replacing(&rig, "/echo");
    rig.watch.ready().await;
    for n in 1..=3 {
        feed.rotate().await.unwrap();
        let rotated = rig.watch.rotated().await;
        assert!(rotated.old.clean, "{rotated:?}");
        assert_eq!((rotated.old.code, rotated.incarnation), (1001, n + 1));
        rig.watch.ready().await;
        assert_eq!(rig.peer.open_count(), 1);
        rig.echoes(&feed, "on").await;
    }
    let kinds: Vec<&str> = rig
        .watch
        .seen()
        .iter()
        .filter_map(|event| event.split('"').nth(3))
        .filter(|kind| *kind != "message")
        .collect();
    let mut expected = vec!["connecting", "opened", "ready"];
    for _ in 0..3 {
        expected.extend(["closed", "connecting", "rotated", "ready", "gap"]);
    }
    assert_eq!(kinds, expected);
    let losses = rig.watch.seen().iter();
    let losses =
        losses.filter(|event| event.contains("connecting") && !event.contains(r#""cause":null"#));
    assert_eq!(losses.count(), 0, "none of them follows a loss");
    let status = feed.status().await.unwrap();
    assert_eq!((status.reconnects, status.state), (0, State::Open));
}

#[tokio::test]
async fn what_is_sent_while_sockets_give_way_arrives_once_and_in_order() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| {
        settings.rotation = RotationMode::Replace;
        settings.heartbeat = Heartbeat::default();
        settings.outbox.resend = Resend::InDoubt;
    });
    rig.watch.ready().await;
    for number in 0..200 {
        feed.send(number.to_string()).unwrap();
        if number % 40 == 10 {
            feed.rotate().await.unwrap();
        }
        tokio::time::sleep(ms(1)).await;
    }
    wait_for("an empty outbox", async || {
        match feed.status().await.unwrap().outbox.messages {
            0 => Ok(()),
            messages => Err(messages),
        }
    })
    .await;
    let logs = rig.peer.connections();
    let arrived: Vec<&str> = logs.iter().flat_map(|log| log.texts()).collect();
    let numbers: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(arrived, numbers);
    assert!(logs.len() > 3, "{} sockets", logs.len());
}

#[tokio::test]
async fn a_dial_that_fails_in_the_place_of_a_socket_is_a_usual_loss() {
    let mut rig = Rig::new();
    let feed = replacing(&rig, "/echo");
    rig.watch.ready().await;
    rig.peer.script("/echo", Script::status(503));
    feed.rotate().await.unwrap();
    let closed = rig.watch.closed().await;
    assert!(closed.clean, "{closed:?}");
    let retrying = rig.watch.retrying().await;
    assert_eq!(retrying.cause.status(), Some(503));
    rig.peer.script("/echo", Script::echo());
    rig.watch.ready().await;
    rig.echoes(&feed, "moved").await;
    assert!(feed.status().await.unwrap().reconnects > 0);
    let seen = rig.watch.seen().join("\n");
    assert!(!seen.contains(r#""type":"rotated""#));
}

#[tokio::test]
async fn a_socket_that_is_old_enough_gives_way() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| {
        settings.rotation = RotationMode::Replace;
        settings.rotate_after = Some(Duration::from_millis(50));
    });
    rig.watch.ready().await;
    for _ in 0..3 {
        let rotated = rig.watch.rotated().await;
        assert!(rotated.old.clean);
        rig.echoes(&feed, "on").await;
        assert!(rig.peer.open_count() <= 1, "never more than one socket");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_answer_the_close_frame_is_left_after_its_time() {
    let mut rig = Rig::new();
    rig.peer
        .script_each("/once", [Script::sink().ignore_close(), Script::echo()]);
    let feed = rig.open_with("/once", |settings| {
        settings.rotation = RotationMode::Replace;
        settings.close_timeout = ms(100);
    });
    rig.watch.ready().await;
    feed.rotate().await.unwrap();
    let rotated = rig.watch.rotated().await;
    assert!(!rotated.old.clean);
    rig.echoes(&feed, "on").await;
}

#[tokio::test]
async fn other_settings_have_a_socket_give_way() {
    let mut rig = Rig::new();
    let feed = replacing(&rig, "/echo");
    rig.watch.ready().await;
    let mut settings = (*rig.manager.settings("feed").unwrap()).clone();
    settings.subprotocols = Vec::new();
    settings.max_message /= 2;
    let applied = rig.manager.configure("feed", settings).await.unwrap();
    assert!(applied.reconnect);
    rig.watch.rotated().await;
    rig.echoes(&feed, "on").await;
    assert_eq!(rig.peer.open_count(), 1);
}

#[tokio::test]
async fn a_close_by_hand_wins_over_a_socket_that_gives_way() {
    let mut rig = Rig::new();
    let feed = replacing(&rig, "/echo");
    rig.watch.ready().await;
    feed.rotate().await.unwrap();
    feed.close(1000, "").await.unwrap();
    rig.watch.closed().await;
    wait_for("the name is closed", async || {
        match feed.status().await.unwrap().state {
            State::Closed => Ok(()),
            state => Err(state),
        }
    })
    .await;
}
