//! A dial that fails after a redirect. Reported: "127.0.0.1:9: connection refused", an address that
//! is in no file, without any hint at the redirect. All reports of the failure name the redirect,
//! and none contains a secret that the server put into it.

use std::{net::TcpListener, time::Duration};

use everwire::{config::BasicAuth, core::Rule, testing::Script};

use super::support::rig::*;

#[tokio::test]
async fn a_failure_behind_a_redirect_says_so_in_event_status_and_dry_run() {
    let mut rig = Rig::new();
    let away = Script::status(302).header("Location", "ws://127.0.0.1:9/hidden?token=hidden");
    rig.peer.script("/away", away);
    let feed = rig.open("/away");
    let cause = rig.watch.error().await;
    let expected = "after a redirect to 127.0.0.1:9: 127.0.0.1:9: connection refused";
    assert_eq!((cause.kind(), &*cause.text()), ("refused", expected));
    assert_eq!(rig.watch.retrying().await.cause, cause);
    let status = serde_json::to_value(feed.status().await.unwrap()).unwrap();
    assert_eq!(status["last_error"]["text"], expected);
    assert_eq!(status["last_error"]["kind"], "refused");
    let probed = rig.manager.probe("feed").await.unwrap();
    assert_eq!(probed[0].outcome.as_ref().unwrap_err(), &cause);
    assert!(!format!("{:?}{status}", rig.watch.seen()).contains("hidden"));
}

#[tokio::test]
async fn a_refusal_behind_a_redirect_keeps_its_status_and_its_rule() {
    let mut rig = Rig::new();
    let place = rig.peer.addr();
    let busy = Script::status(429).header("Retry-After", "7");
    rig.peer.script("/busy", busy.body("not now"));
    let away = Script::status(307).header("Location", "/busy");
    rig.peer.script("/away", away);
    let _feed = rig.open("/away");
    let cause = rig.watch.error().await;
    assert_eq!(
        (cause.kind(), cause.status()),
        ("handshake_status", Some(429))
    );
    let expected =
        format!("after a redirect to {place}: the server answered 429 instead of 101: not now");
    assert_eq!(cause.text(), expected);
    assert_eq!(
        rig.watch.retrying().await.rule,
        Rule::RetryAfter(Duration::from_secs(7))
    );
}

#[tokio::test]
async fn a_dial_that_hangs_behind_a_redirect_says_where() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = silent.local_addr().unwrap();
    let mut rig = Rig::new();
    let away = Script::status(307).header("Location", &format!("ws://{place}/"));
    rig.peer.script("/away", away);
    let _feed = rig.open_with("/away", |settings| settings.connect_timeout = ms(300));
    let cause = rig.watch.error().await;
    let expected = format!("after a redirect to {place}: timed out in phase upgrade");
    assert_eq!(
        (cause.kind(), &*cause.text()),
        ("connect_timeout", &*expected)
    );
}

#[tokio::test]
async fn the_place_of_a_redirect_holds_no_secret_in_whatever_case() {
    for location in [
        "ws://{}.invalid:1/x",
        "ws://A.{}.Invalid/",
        // Not followed.
        "ftp://{}.invalid/",
        "ws://user:x@{}.invalid/",
    ] {
        for secret in ["TopSecretToken", "PassWordOfMine"] {
            let mut rig = Rig::new();
            let location = location.replace("{}", secret);
            let away = Script::status(302).header("Location", &location);
            rig.peer.script("/away", away);
            let feed = rig.open_with("/away", |settings| {
                let key = "Bearer TopSecretToken".into();
                settings.headers = vec![("X-Key".into(), key)];
                settings.basic_auth = Some(BasicAuth {
                    user: "me".into(),
                    password: "PassWordOfMine".into(),
                    encoding: Default::default(),
                });
            });
            rig.watch.retrying().await;
            let status = serde_json::to_string(&feed.status().await.unwrap()).unwrap();
            let probed = rig.manager.probe("feed").await.unwrap();
            let all = format!("{:?} {status} {probed:?}", rig.watch.seen());
            let all = all.to_lowercase();
            assert!(!all.contains(&secret.to_lowercase()), "{all}");
            assert!(all.contains("redirect"), "{all}");
        }
    }
}
