//! An outdated cause.
//!
//! Reported: a name gave up on close code 4003, and every list showed the "connection refused" of
//! an hour before. Home Assistant refuses a token with `auth_invalid` and an ordinary close frame;
//! the page said `connection refused` there, too. A name that was closing was `ready`, and a name
//! that had never lost a socket had "Restarts 1".

use everwire::{
    EventKind, Handle, State,
    config::GiveUpRule,
    testing::{How, Script},
};
use serde_json::{Value, json};

use crate::support::{SOON, rig::*};

async fn status_of(feed: &Handle) -> Value {
    serde_json::to_value(feed.status().await.unwrap()).unwrap()
}

/// The status, once the name is in this state with a cause of this kind.
async fn status_in(feed: &Handle, state: &str, kind: &str) -> Value {
    wait_for(&format!("{state} for {kind}"), async || {
        match status_of(feed).await {
            now if now["state"] == state && now["cause"]["kind"] == kind => Ok(now),
            now => Err(now),
        }
    })
    .await
}

/// Opens `feed` where nobody listens; it dials again only on request.
async fn refused(rig: &Rig) -> Handle {
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open_with("/feed", |settings| {
        with_backoff(settings, |backoff| {
            always(ms(3_600_000))(backoff);
            backoff.give_up_on = vec![GiveUpRule::Close(4003..=4003)];
        });
    });
    status_in(&feed, "backoff", "refused").await;
    rig.peer.resume().await.unwrap();
    feed
}

#[tokio::test]
async fn a_name_that_gave_up_shows_the_close_that_decided_and_not_an_older_error() {
    let mut rig = Rig::new();
    rig.peer
        .script("/feed", Script::sink().close(Some(4003), "not allowed"));
    let feed = refused(&rig).await;
    feed.connect(None).await.unwrap();
    rig.watch.failed().await;
    let status = status_in(&feed, "failed", "closed").await;
    let cause = &status["cause"];
    assert_eq!(cause["text"], "the peer closed: 4003 \"not allowed\"");
    assert_eq!(cause["rule"], "give_up_on close:4003");
    assert!(cause["at"].as_str() >= status["last_close"]["at"].as_str());
    assert_eq!(status["last_error"]["kind"], "refused", "{status}");
}

#[tokio::test]
async fn a_name_that_waits_or_dials_shows_the_loss_that_it_comes_from() {
    let rig = Rig::new();
    let invalid = Script::sink()
        .send(r#"{"type":"auth_invalid","message":"Invalid access token"}"#)
        .close(Some(1000), "");
    let scripts = [invalid, Script::hang_up(How::Freeze)];
    rig.peer.script_each("/feed", scripts);
    let feed = refused(&rig).await;
    feed.connect(None).await.unwrap();
    let waiting = status_in(&feed, "backoff", "closed").await;
    assert_eq!(waiting["cause"]["text"], "the peer closed: 1000");
    assert_eq!(waiting["cause"]["rule"], "backoff");
    feed.connect(None).await.unwrap();
    let dialling = status_in(&feed, "connecting", "closed").await;
    assert_eq!(dialling["cause"], waiting["cause"]);
}

#[tokio::test]
async fn a_name_that_is_up_needs_no_reason() {
    let mut rig = Rig::new();
    rig.peer.script("/feed", Script::echo());
    let feed = refused(&rig).await;
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    let status = status_of(&feed).await;
    assert_eq!(
        (&status["state"], status.get("cause")),
        (&json!("open"), Some(&Value::Null)),
        "{status}"
    );
}

#[tokio::test]
async fn a_close_by_hand_is_the_reason_and_a_name_that_is_closing_is_not_ready() {
    let mut rig = Rig::new();
    rig.peer.script("/feed", Script::echo().ignore_close());
    let feed = rig.open_with("/feed", |settings| settings.close_timeout = ms(300));
    rig.watch.ready().await;
    assert_eq!(status_of(&feed).await["ready"], true);
    feed.close(1000, "").await.unwrap();
    let closing = status_of(&feed).await;
    assert_eq!(
        (
            &closing["state"],
            &closing["ready"],
            &closing["cause"]["kind"]
        ),
        (&json!("closing"), &json!(false), &json!("closed_by_hand")),
        "{closing}"
    );
    let closed = status_in(&feed, "closed", "closed_by_hand").await;
    assert_eq!(closed["cause"]["text"], "closed by hand");
    assert_eq!(closed["cause"]["rule"], Value::Null);
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    assert_eq!(status_of(&feed).await["cause"], Value::Null);
}

#[tokio::test]
async fn a_close_by_hand_in_a_backoff_takes_the_place_of_the_loss() {
    let rig = Rig::new();
    let feed = refused(&rig).await;
    feed.close(1000, "").await.unwrap();
    assert_eq!(status_of(&feed).await["cause"]["kind"], "closed_by_hand");
    rig.peer.script("/feed", Script::hang_up(How::Freeze));
    feed.connect(None).await.unwrap();
    wait_for_state(&feed, State::Connecting).await;
    assert_eq!(status_of(&feed).await["cause"], Value::Null);
}

#[tokio::test]
async fn reconnects_are_the_losses_that_were_followed_by_a_dial() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    assert_eq!(status_of(&feed).await["reconnects"], 0);

    // A rotation is not a loss.
    feed.rotate().await.unwrap();
    rig.watch.rotated().await;
    assert_eq!(status_of(&feed).await["reconnects"], 0);

    for (count, how) in [(1, How::Reset), (2, How::Close(1011))] {
        rig.peer.kick("/echo", how);
        rig.watch.ready().await;
        assert_eq!(status_of(&feed).await["reconnects"], count);
    }

    // Neither is a close by hand.
    feed.close(1000, "").await.unwrap();
    wait_for_state(&feed, State::Closed).await;
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    assert_eq!(status_of(&feed).await["reconnects"], 2);

    let dials = rig.watch.seen().iter();
    let dials = dials.map(|event| serde_json::from_str::<Value>(event).unwrap());
    let causes: Vec<_> = dials
        .filter(|event| event["type"] == "connecting")
        .map(|event| event["cause"].clone())
        .collect();
    let expected = [json!(null), json!("reset"), json!("closed"), json!(null)];
    assert_eq!(causes, expected);
}

#[tokio::test]
async fn a_dial_that_is_given_up_for_another_one_counts_its_loss_once() {
    let mut rig = Rig::new();
    let scripts = [
        Script::status(503),
        Script::hang_up(How::Freeze),
        Script::echo(),
    ];
    rig.peer.script_each("/feed", scripts);
    let feed = rig.open("/feed");
    rig.watch
        .until("the second dial", |update| {
            matches!(update.kind(), Some(EventKind::Connecting(dial)) if dial.attempt == 1)
                .then_some(())
        })
        .await;
    rig.peer
        .wait_until("the second dial at the peer", SOON, |peer| {
            peer.connections_at("/feed").len() == 2
        })
        .await
        .unwrap();
    let mut settings = quick(rig.peer.url("/feed"));
    settings.max_message = 1000;
    rig.manager.configure("feed", settings).await.unwrap();
    rig.watch.ready().await;
    assert_eq!(status_of(&feed).await["reconnects"], 1);
}
