//! Upgrades that are refused, broken or never answered: each has a typed cause, and the right
//! delay.

mod support;

use std::time::Duration;

use everwire::{
    ConnectionSettings, EventKind,
    config::Backoff,
    core::{Cause, Phase, Rule},
    testing::{Script, Subprotocol},
};
use support::{Foreign, PrivateCa, TestDir, rig::*};

#[tokio::test]
async fn a_handshake_that_is_never_answered_times_out_in_its_phase() {
    let mut rig = Rig::new();
    let _feed = rig.open_with("/never", |settings| settings.connect_timeout = ms(100));
    for _ in 0..2 {
        assert_eq!(
            rig.watch.error().await,
            Cause::ConnectTimeout(Phase::Upgrade)
        );
    }
    assert!(rig.peer.accepted() >= 2);
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_meets_its_rule() {
    let from_max = Rule::BackoffFromMax;
    for (path, status, text, rule, delay) in [
        (
            "/status/401?body=who+are+you",
            401,
            "who are you",
            from_max.clone(),
            ms(100),
        ),
        ("/status/404", 404, "", from_max, ms(100)),
        ("/status/429", 429, "", Rule::Backoff, ms(10)),
        ("/status/503", 503, "", Rule::Backoff, ms(10)),
        ("/status/500", 500, "", Rule::Backoff, ms(10)),
        (
            "/status/303?location=ws://127.0.0.1:1/",
            303,
            "location: ws://127.0.0.1:1/",
            Rule::Backoff,
            ms(10),
        ),
        ("/status/200", 200, "", Rule::Backoff, ms(10)),
    ] {
        let mut rig = Rig::new();
        let feed = rig.open_with(path, |settings| with_backoff(settings, no_jitter));
        let Cause::HandshakeStatus {
            status: seen,
            retry_after,
            text: body,
        } = rig.watch.error().await
        else {
            panic!("{path} was no refusal");
        };
        assert_eq!(
            (seen, retry_after, body.trim()),
            (status, None, text),
            "{path}"
        );
        let retrying = rig.watch.retrying().await;
        assert_eq!((retrying.rule, retrying.delay), (rule, delay), "{path}");
        let shown = feed.status().await.unwrap().last_error.unwrap();
        assert_eq!(serde_json::to_value(shown).unwrap()["status"], status);
    }
}

fn no_jitter(backoff: &mut Backoff) {
    backoff.jitter = everwire::config::Jitter::None;
}

#[tokio::test]
async fn retry_after_is_honoured() {
    for status in [429, 503] {
        let mut rig = Rig::new();
        let busy = Script::status(status).header("Retry-After", "1");
        rig.peer.script_each("/once", [busy, Script::echo()]);
        let _feed = rig.open("/once");
        let retrying = rig.watch.retrying().await;
        let second = Duration::from_secs(1);
        assert_eq!(retrying.rule, Rule::RetryAfter(second));
        assert!(retrying.delay >= second);
        rig.watch.ready().await;
        let dials = rig.peer.connections();
        assert!(dials[1].accepted_at.duration_since(dials[0].accepted_at) >= second);
    }
}

#[tokio::test]
async fn a_wrong_accept_is_no_websocket() {
    let mut rig = Rig::new();
    let _feed = rig.open("/wrong-accept");
    assert_eq!(rig.watch.error().await.kind(), "handshake_invalid");
    assert_eq!(rig.watch.retrying().await.rule, Rule::Backoff);
}

#[tokio::test]
async fn a_hang_up_instead_of_an_answer_is_an_invalid_handshake_or_a_reset() {
    for how in ["fin", "reset"] {
        let mut rig = Rig::new();
        let _feed = rig.open(&format!("/hang-up?how={how}"));
        let kind = rig.watch.error().await.kind();
        assert!(
            ["handshake_invalid", "tcp", "reset"].contains(&kind),
            "{how}: {kind}"
        );
        rig.watch.retrying().await;
    }
}

#[tokio::test]
async fn the_server_chooses_among_the_subprotocols_that_were_offered() {
    for (choice, seen) in [("first", "v2.feed"), ("second", "v1.feed")] {
        let mut rig = Rig::new();
        let feed = rig.open_with(&format!("/echo?subprotocol={choice}"), offer);
        let opened = rig.watch.until("opened", |update| match update.kind() {
            Some(EventKind::Opened(opened)) => Some(opened.subprotocol.clone()),
            _ => None,
        });
        assert_eq!(opened.await.as_deref(), Some(seen));
        assert_eq!(
            feed.status().await.unwrap().subprotocol.as_deref(),
            Some(seen)
        );
    }
}

#[tokio::test]
async fn no_subprotocol_or_one_that_was_not_offered_is_a_typed_failure() {
    for choice in ["none", "something.else"] {
        let mut rig = Rig::new();
        let _feed = rig.open_with(&format!("/echo?subprotocol={choice}"), offer);
        assert_eq!(rig.watch.error().await.kind(), "subprotocol", "{choice}");
        assert_eq!(rig.watch.retrying().await.cause.kind(), "subprotocol");
    }
    let mut rig = Rig::new();
    let unasked = Script::echo().subprotocol(Subprotocol::Named("v2.feed".into()));
    rig.peer.script("/unasked", unasked);
    let _feed = rig.open("/unasked");
    assert_eq!(rig.watch.error().await.kind(), "subprotocol");
}

fn offer(settings: &mut ConnectionSettings) {
    settings.subprotocols = vec!["v2.feed".into(), "v1.feed".into()];
}

#[tokio::test]
async fn an_extension_that_was_not_asked_for_is_a_typed_failure() {
    let mut rig = Rig::new();
    let _feed = rig.open("/echo?extension=permessage-deflate");
    assert_eq!(rig.watch.error().await.kind(), "extension");
}

#[tokio::test]
async fn what_came_with_the_101_is_not_lost() {
    let mut rig = Rig::new();
    rig.peer
        .script("/greets", Script::echo().send("one").send("two"));
    let feed = rig.open("/greets");
    rig.watch.text("one").await;
    rig.watch.text("two").await;
    rig.echoes(&feed, "three").await;
}

#[tokio::test]
async fn wss_with_a_private_ca_opens_and_without_it_is_refused() {
    let dir = TestDir::new("handshake-tls");
    let ca = PrivateCa::new(dir.path());
    let server = Foreign::Python.start(Some(&ca));
    let mut rig = Rig::new();
    let mut settings = quick(server.tls_url("/echo"));
    settings.tls.ca_file = Some(ca.ca_file.clone());
    let feed = rig.manager.open("feed", settings).unwrap();
    rig.echoes(&feed, "private").await;
    rig.manager.remove("feed").await.unwrap();

    let mut watch = Watch::new(&rig.manager, "stranger");
    let settings = quick(server.tls_url("/echo"));
    let _stranger = rig.manager.open("stranger", settings).unwrap();
    let retrying = watch.retrying().await;
    assert_eq!(retrying.cause.kind(), "tls_certificate");
    assert_eq!(retrying.rule, Rule::BackoffFromMax);
}

#[test]
fn a_url_that_cannot_be_dialled_is_refused_with_what_would_be_right() {
    for url in [
        "",
        "example.com",
        "http://example.com",
        "ws://",
        "ws://host/#part",
        "wss://ho st/",
    ] {
        let error = ConnectionSettings::new(url).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("invalid WebSocket URL"), "{url:?}: {text}");
        assert!(
            !text.contains('\n') && !text.ends_with('.'),
            "{url:?}: {text}"
        );
    }
}
