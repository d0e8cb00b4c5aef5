//! Several URLs of one name: the next after a failure, the first again after a stable socket.

mod support;

use std::time::Duration;

use everwire::{
    Status,
    testing::{How, Script},
};
use support::rig::*;

/// The `url` and the failures of each URL.
fn urls_of(status: &Status) -> (String, Vec<u64>) {
    let json = serde_json::to_value(status).unwrap();
    let failures = json["urls"].as_array().unwrap();
    let failures = failures.iter().map(|url| url["failures"].as_u64().unwrap());
    (status.url.clone(), failures.collect())
}

#[tokio::test]
async fn the_next_url_is_dialled_when_one_fails_and_both_are_counted() {
    let mut rig = Rig::new();
    let (bad, good) = (rig.peer.url("/status/503"), rig.peer.url("/echo"));
    let feed = rig.open_with("/status/500", |settings| {
        settings.failover_urls = vec![bad.as_str().into(), good.as_str().into()];
    });
    rig.echoes(&feed, "third").await;
    assert_eq!(
        urls_of(&feed.status().await.unwrap()),
        (good, vec![1, 1, 0])
    );
}

#[tokio::test]
async fn an_early_loss_counts_and_after_the_last_comes_the_first() {
    let mut rig = Rig::new();
    rig.peer
        .script("/drops", Script::echo().close(Some(1011), ""));
    let bad = rig.peer.url("/status/500");
    let feed = rig.open_with("/drops", |settings| {
        settings.failover_urls = vec![bad.as_str().into()];
    });
    for _ in 0..2 {
        assert_eq!(rig.watch.retrying().await.cause.kind(), "closed");
        assert_eq!(rig.watch.retrying().await.cause.kind(), "handshake_status");
    }
    let (_, failures) = urls_of(&feed.status().await.unwrap());
    assert!(failures[0] >= 2 && failures[1] >= 2, "{failures:?}");
}

#[tokio::test]
async fn after_a_stable_socket_the_first_url_is_preferred_again() {
    let mut rig = Rig::new();
    rig.peer
        .script_each("/first", [Script::status(503), Script::echo()]);
    let (first, second) = (rig.peer.url("/first"), rig.peer.url("/echo"));
    let feed = rig.open_with("/first", |settings| {
        settings.failover_urls = vec![second.as_str().into()];
        with_backoff(settings, |backoff| {
            backoff.stable_after = Duration::from_millis(1)
        });
    });
    rig.echoes(&feed, "second").await;
    assert_eq!(feed.status().await.unwrap().url, second);
    rig.let_pass(ms(20)).await;
    rig.peer.kick("/echo", How::Fin);
    rig.watch
        .until("opened", |update| {
            let is_feed = update.name().is_some_and(|name| name == "feed");
            (is_feed && update.type_name() == "opened").then_some(())
        })
        .await;
    assert_eq!(urls_of(&feed.status().await.unwrap()), (first, vec![1, 0]));
}
