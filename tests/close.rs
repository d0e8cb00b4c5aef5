//! `CloseMyself` in each state: it takes precedence, and the name stays closed until `Connect`.

mod support;

use everwire::{
    CloseMyself, Connect, EventKind, Fate, Handle, Pattern, Rejected, State,
    config::{Heartbeat, Reconnect},
    connection::InvalidClose,
    core::CloseBy,
    testing::{Ended, How, Script},
};
use support::{SOON, rig::*};

/// A name that was closed by hand accepts nothing and does not dial until `Connect`.
async fn stays_closed_until_connect(mut rig: Rig, feed: &Handle, path: &str) {
    wait_for_state(feed, State::Closed).await;
    assert_eq!(feed.send("no").unwrap_err(), Rejected::Closed);
    let dials = rig.peer.connections_at(path).len();
    rig.let_pass(ms(60)).await;
    assert_eq!(
        rig.peer.connections_at(path).len(),
        dials,
        "dialled after a close by hand"
    );
    assert_eq!(feed.status().await.unwrap().state, State::Closed);

    rig.peer.resume().await.unwrap();
    rig.peer.script(path, Script::echo());
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    rig.echoes(feed, "up again").await;
}

#[tokio::test]
async fn an_idle_name_can_be_closed() {
    let rig = Rig::new();
    let feed = rig.open_with("/echo", |settings| settings.enabled = false);
    assert_eq!(feed.status().await.unwrap().state, State::Idle);
    feed.addr()
        .send(CloseMyself::normal())
        .await
        .unwrap()
        .unwrap();
    stays_closed_until_connect(rig, &feed, "/echo").await;
}

#[tokio::test]
async fn a_close_ends_a_dial() {
    let rig = Rig::new();
    let feed = rig.open("/never");
    rig.peer
        .wait_for("/never", SOON, |log| log.frozen)
        .await
        .unwrap();
    assert_eq!(feed.status().await.unwrap().state, State::Connecting);
    feed.close(1000, "").await.unwrap();
    stays_closed_until_connect(rig, &feed, "/never").await;
}

#[tokio::test]
async fn a_close_cancels_a_pending_retry() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/status/503", |settings| {
        with_backoff(settings, always(ms(30)));
    });
    rig.watch.retrying().await;
    feed.close(1000, "").await.unwrap();
    stays_closed_until_connect(rig, &feed, "/status/503").await;
}

#[tokio::test]
async fn a_close_ends_a_long_backoff_at_once() {
    let mut rig = Rig::new();
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open_with("/echo", |settings| {
        with_backoff(settings, always(SOON * 100));
    });
    rig.watch.retrying().await;
    let status = feed.status().await.unwrap();
    assert_eq!((status.state, status.ready_state), (State::Backoff, 0));
    assert!(status.retry_at.is_some());
    feed.close(1000, "").await.unwrap();
    assert!(feed.status().await.unwrap().retry_at.is_none());
    rig.peer.resume().await.unwrap();
    stays_closed_until_connect(rig, &feed, "/echo").await;
}

#[tokio::test]
async fn connect_ends_a_long_backoff_at_once() {
    let mut rig = Rig::new();
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open_with("/echo", |settings| {
        with_backoff(settings, always(SOON * 100));
    });
    rig.watch.retrying().await;
    rig.peer.resume().await.unwrap();
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
}

#[tokio::test]
async fn an_open_socket_is_closed_with_the_code_and_reason_that_were_asked_for() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    feed.close(4001, "done for today").await.unwrap();
    let report = rig.watch.closed().await;
    assert_eq!(
        (report.code, &*report.reason, report.clean),
        (4001, "done for today", true)
    );
    assert_eq!(report.by, CloseBy::Us);
    let log = rig
        .peer
        .wait_for("/echo", SOON, |log| log.end.is_some())
        .await
        .unwrap();
    assert_eq!(log.ended(), Some(Ended::ByClient));
    let close = log.close.unwrap();
    assert_eq!((close.code, &*close.reason), (Some(4001), "done for today"));
    stays_closed_until_connect(rig, &feed, "/echo").await;
}

#[tokio::test]
async fn a_close_that_cannot_be_sent_is_refused_and_closes_nothing() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let close = |code, reason: &str| CloseMyself {
        code,
        reason: reason.into(),
    };
    for (close, expected) in [
        (close(1005, ""), InvalidClose::Code(1005)),
        (close(1006, ""), InvalidClose::Code(1006)),
        (close(999, ""), InvalidClose::Code(999)),
        (close(5000, ""), InvalidClose::Code(5000)),
        (close(1000, &"x".repeat(124)), InvalidClose::Reason(124)),
    ] {
        assert_eq!(feed.addr().send(close).await.unwrap(), Err(expected));
    }
    rig.echoes(&feed, "still up").await;
    assert_eq!(rig.peer.accepted(), 1);
}

#[tokio::test]
async fn a_close_flushes_the_outbox_first() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/sink", |settings| {
        settings.heartbeat = Heartbeat::default()
    });
    rig.watch.ready().await;
    let receipts: Vec<_> = (0..500)
        .map(|n| feed.send(format!("{n}")).unwrap())
        .collect();
    feed.addr()
        .send(CloseMyself::normal())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(feed.send("too late").unwrap_err(), Rejected::Closed);
    assert!(rig.watch.closed().await.clean);
    for receipt in &receipts {
        // A ping was sent before the close frame.
        assert_eq!(receipt.fate(Fate::Confirmed).await, Fate::Confirmed);
    }
    let log = rig
        .peer
        .wait_for("/sink", SOON, |log| log.end.is_some())
        .await
        .unwrap();
    let expected: Vec<_> = (0..500).map(|n| n.to_string()).collect();
    assert_eq!(log.texts(), expected);
    assert_eq!(log.ended(), Some(Ended::ByClient));
}

#[tokio::test]
async fn what_cannot_be_flushed_in_time_is_cancelled_and_told() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/silent", |settings| {
        settings.outbox.bytes = 64 << 20;
        settings.close_timeout = ms(100);
    });
    rig.watch.ready().await;
    let receipts: Vec<_> = (0..4)
        .map(|_| feed.send(vec![7; 12 << 20]).unwrap())
        .collect();
    feed.close(1000, "").await.unwrap();
    let dropped = rig.watch.until("dropped", |update| match update.kind() {
        Some(EventKind::Dropped(dropped)) => Some(*dropped),
        _ => None,
    });
    assert!(dropped.await.count >= 1);
    wait_for_state(&feed, State::Closed).await;
    let last = receipts.last().unwrap().fate(Fate::Confirmed).await;
    assert_eq!(last, Fate::Cancelled);
    for receipt in &receipts {
        let fate = receipt.now();
        assert!(fate.is_final(), "a message is left {fate:?} by a close");
    }
    assert_eq!(feed.status().await.unwrap().outbox.messages, 0);
}

#[tokio::test]
async fn a_peer_that_ignores_our_close_is_left_after_the_deadline() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo?ignore_close=true", |settings| {
        settings.close_timeout = ms(100);
    });
    rig.watch.ready().await;
    feed.close(1000, "").await.unwrap();
    let report = rig.watch.closed().await;
    assert_eq!(
        (report.code, report.clean, report.by),
        (1000, false, CloseBy::Us)
    );
    stays_closed_until_connect(rig, &feed, "/echo").await;
}

#[tokio::test]
async fn a_second_close_changes_nothing() {
    let mut rig = Rig::new();
    let feed = rig.open("/echo");
    rig.watch.ready().await;
    let (first, second) = tokio::join!(feed.close(1000, "first"), feed.close(4000, "second"));
    first.unwrap();
    second.unwrap();
    assert_eq!(&*rig.watch.closed().await.reason, "first");
    wait_for_state(&feed, State::Closed).await;
    feed.close(4000, "third").await.unwrap();
    let closes = rig
        .watch
        .seen()
        .iter()
        .filter(|event| event.contains(r#""type":"closed""#));
    assert_eq!(closes.count(), 1);
    stays_closed_until_connect(rig, &feed, "/echo").await;
}

#[tokio::test]
async fn a_close_in_the_very_turn_of_a_loss_wins() {
    for how in [How::Fin, How::Reset, How::Close(1012)] {
        let mut rig = Rig::new();
        let feed = rig.open("/echo");
        rig.watch.ready().await;
        let addr = feed.addr().clone();
        let guard = rig.manager.on_event(Pattern::all(), move |update| {
            if matches!(update.kind(), Some(EventKind::Closed(_))) {
                addr.do_send(CloseMyself::normal());
            }
        });
        rig.peer.kick_all(how);
        wait_for_state(&feed, State::Closed).await;
        drop(guard);
        stays_closed_until_connect(rig, &feed, "/echo").await;
    }
}

#[tokio::test]
async fn a_close_at_the_moment_of_a_kick_wins() {
    for round in 0..20 {
        let mut rig = Rig::new();
        let feed = rig.open("/echo");
        rig.watch.ready().await;
        if round % 2 == 0 {
            rig.peer.kick_all(How::Reset);
            feed.close(1000, "").await.unwrap();
        } else {
            feed.addr().do_send(CloseMyself::normal());
            rig.peer.kick_all(How::Fin);
        }
        wait_for_state(&feed, State::Closed).await;
        assert_eq!(feed.send("no").unwrap_err(), Rejected::Closed);
    }
}

#[tokio::test]
async fn a_failed_name_can_be_closed() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/drop", |settings| settings.reconnect = Reconnect::Never);
    rig.watch.failed().await;
    feed.close(1000, "").await.unwrap();
    stays_closed_until_connect(rig, &feed, "/drop").await;
}

#[tokio::test]
async fn connect_during_the_closing_handshake_brings_the_name_back_after_it() {
    let mut rig = Rig::new();
    let feed = rig.open_with("/echo?ignore_close=true", |settings| {
        settings.close_timeout = ms(100);
    });
    rig.watch.ready().await;
    feed.close(1000, "").await.unwrap();
    wait_for_state(&feed, State::Closing).await;
    assert_eq!(feed.status().await.unwrap().ready_state, 2);
    let connect = Connect {
        data: Some("back".into()),
    };
    feed.addr().send(connect).await.unwrap().unwrap();
    rig.watch.closed().await;
    rig.watch.text("back").await;
}
