//! The failure of one URL applied to another.
//!
//! Reported: of two URLs the first answers 503 with `Retry-After: 60`, or 404, and the second,
//! which is healthy, is dialled after a minute, or after `max`. Three dead URLs with `max_attempts
//! = 3` end a name within milliseconds.

use std::{num::NonZeroU32, time::Duration};

use everwire::{Handle, State, core::Rule, testing::Script};

use crate::support::rig::*;

/// A name with these URLs, all of them the peer's.
fn open(rig: &Rig, paths: &[&str]) -> Handle {
    let others: Vec<_> = paths[1..].iter().map(|path| rig.peer.url(path)).collect();
    rig.open_with(paths[0], |settings| {
        settings.failover_urls = others.iter().map(|url| url.as_str().into()).collect();
    })
}

/// How often a path was dialled.
fn dials(rig: &Rig, path: &str) -> usize {
    rig.peer.connections_at(path).len()
}

#[tokio::test]
async fn a_healthy_url_does_not_wait_for_the_retry_after_of_another() {
    for refusal in [
        Script::status(503).header("Retry-After", "3600"),
        Script::status(429).header("Retry-After", "60"),
    ] {
        let mut rig = Rig::new();
        rig.peer.script("/busy", refusal);
        let feed = open(&rig, &["/busy", "/echo"]);
        let retrying = rig.watch.retrying().await;
        // Drawn between zero and `initial`.
        assert!(retrying.delay <= ms(10), "{:?}", retrying.delay);
        let rule = retrying.rule.to_string();
        assert!(
            rule.contains("retry-after") && rule.contains("next url"),
            "{rule}"
        );
        rig.echoes(&feed, "served by the other").await;
        assert_eq!(dials(&rig, "/busy"), 1);
    }
}

#[tokio::test]
async fn a_healthy_url_does_not_wait_for_max_because_another_answered_404() {
    let mut rig = Rig::new();
    let second = rig.peer.url("/echo");
    let feed = rig.open_with("/status/404", |settings| {
        settings.failover_urls = vec![second.as_str().into()];
        with_backoff(settings, |backoff| {
            backoff.min = ms(10);
            backoff.initial = ms(10);
            backoff.max = Duration::from_secs(3600);
            backoff.jitter = everwire::config::Jitter::None;
        });
    });
    assert_eq!(rig.watch.retrying().await.delay, ms(10));
    rig.echoes(&feed, "served by the other").await;
}

#[tokio::test]
async fn a_retry_after_outlives_a_stable_socket_of_another_url() {
    let mut rig = Rig::new();
    rig.peer
        .script("/busy", Script::status(503).header("Retry-After", "3600"));
    let second = rig.peer.url("/echo");
    let feed = rig.open_with("/busy", |settings| {
        settings.failover_urls = vec![second.as_str().into()];
        with_backoff(settings, |backoff| backoff.stable_after = ms(1));
    });
    rig.watch.ready().await;
    for round in 0..3 {
        rig.let_pass(ms(20)).await;
        rig.peer.kick("/echo", everwire::testing::How::Fin);
        rig.watch
            .until("opened", |update| {
                let is_feed = update.name().is_some_and(|name| name == "feed");
                (is_feed && update.type_name() == "opened").then_some(())
            })
            .await;
        rig.echoes(&feed, &format!("round {round}")).await;
    }
    assert_eq!(dials(&rig, "/busy"), 1, "dialled before it wanted to be");
}

#[tokio::test]
async fn a_name_gives_up_when_each_of_its_urls_has_failed_max_attempts_times() {
    let mut rig = Rig::new();
    let most = NonZeroU32::new(3).unwrap();
    let paths = ["/status/500", "/status/502", "/status/503"];
    let others = [rig.peer.url(paths[1]), rig.peer.url(paths[2])];
    let feed = rig.open_with(paths[0], |settings| {
        settings.failover_urls = others.iter().map(|url| url.as_str().into()).collect();
        with_backoff(settings, |backoff| backoff.max_attempts = Some(most));
    });
    assert_eq!(rig.watch.failed().await.rule, Rule::MaxAttempts(most));
    wait_for_state(&feed, State::Failed).await;
    for path in paths {
        assert!(dials(&rig, path) >= 3, "{path}: {}", dials(&rig, path));
    }
}

#[tokio::test]
async fn a_slow_failure_of_the_first_two_urls_leaves_the_third_its_turn() {
    let mut rig = Rig::new();
    let others = [rig.peer.url("/never?second"), rig.peer.url("/echo")];
    let feed = rig.open_with("/never", |settings| {
        settings.failover_urls = others.iter().map(|url| url.as_str().into()).collect();
        // Each dial takes longer than any delay: the first URL is due again when the second one
        // fails.
        settings.connect_timeout = ms(60);
        with_backoff(settings, |backoff| {
            (backoff.min, backoff.initial, backoff.max) = (ms(1), ms(1), ms(2));
        });
    });
    rig.echoes(&feed, "the third").await;
    assert_eq!(dials(&rig, "/never"), 2);
}

#[tokio::test]
async fn a_reload_to_another_url_does_not_wait_for_the_one_before() {
    let mut rig = Rig::new();
    rig.peer
        .script("/busy", Script::status(503).header("Retry-After", "3600"));
    let feed = rig.open("/busy");
    rig.watch.retrying().await;
    let elsewhere = quick(rig.peer.url("/echo"));
    rig.manager.configure("feed", elsewhere).await.unwrap();
    rig.echoes(&feed, "at the new place").await;
}

#[tokio::test]
async fn a_connect_by_hand_dials_at_once_whatever_a_url_asked_for() {
    let mut rig = Rig::new();
    let busy = Script::status(503).header("Retry-After", "3600");
    rig.peer.script_each("/once", [busy, Script::echo()]);
    let feed = rig.open("/once");
    rig.watch.retrying().await;
    feed.connect(None).await.unwrap();
    rig.echoes(&feed, "by hand").await;
}
