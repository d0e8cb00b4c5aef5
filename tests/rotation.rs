//! Make before break: another socket takes over, and nobody misses or hears twice what the peer says.

mod support;

use std::time::Duration;

use everwire::{
    EventKind, Message, NotOpen,
    config::{Heartbeat, SequenceSettings},
    core::JsonPointer,
    testing::{How, Script},
};
use support::rig::*;

/// The peer tells this on all its sockets.
fn broadcast(rig: &Rig, number: u64) {
    rig.peer.send("/sink", format!(r#"{{"n":{number}}}"#));
}

/// The numbers that were heard, up to `last`.
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
        // Told before, while and after the successor takes over.
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
    rig.peer.script("/echo", Script::echo());
    rig.watch.rotated().await;
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
