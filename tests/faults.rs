//! Sockets that die in different ways: the name comes back, and reports the cause.

mod support;

use std::num::NonZeroU32;

use everwire::{
    State,
    config::{GiveUpRule, Heartbeat, Reconnect},
    core::{Cause, Rule},
    testing::{ConnectionLog, Ended, How, Script},
};
use support::{SOON, rig::*};

#[tokio::test]
async fn a_refused_dial_is_retried_until_somebody_listens() {
    let mut rig = Rig::new();
    rig.peer.stop_listening().await.unwrap();
    let feed = rig.open("/echo");
    for _ in 0..3 {
        let retrying = rig.watch.retrying().await;
        assert_eq!(retrying.cause.kind(), "refused");
        assert_eq!(retrying.rule, Rule::Backoff);
    }
    let status = feed.status().await.unwrap();
    assert_eq!(status.last_error.unwrap().cause.kind(), "refused");
    rig.peer.resume().await.unwrap();
    rig.watch.ready().await;
    rig.echoes(&feed, "hello").await;
}

#[tokio::test]
async fn accept_then_tcp_close_is_dialled_no_more_than_the_backoff_allows() {
    let rig = Rig::new();
    rig.peer.at_accept(Some(How::Fin));
    dials_keep_to_the_backoff(rig, "/echo", "handshake_invalid").await;
}

#[tokio::test]
async fn an_upgrade_then_tcp_close_is_dialled_no_more_than_the_backoff_allows() {
    dials_keep_to_the_backoff(Rig::new(), "/drop?how=fin", "eof").await;
}

#[tokio::test]
async fn accept_then_close_frame_is_dialled_no_more_than_the_backoff_allows() {
    dials_keep_to_the_backoff(Rig::new(), "/close?code=1000", "closed").await;
}

/// Counts and times the dials at the peer: each comes no earlier than the delay after the one
/// before.
async fn dials_keep_to_the_backoff(mut rig: Rig, path: &str, kind: &str) {
    let feed = rig.open_with(path, |settings| {
        with_backoff(settings, |backoff| {
            always(ms(20))(backoff);
            backoff.max = ms(160);
        });
    });
    let mut delays = Vec::new();
    for _ in 0..6 {
        let retrying = rig.watch.retrying().await;
        assert_eq!(retrying.cause.kind(), kind);
        delays.push(retrying.delay);
    }
    feed.close(1000, "").await.unwrap();
    assert_eq!(delays, [20, 40, 80, 160, 160, 160].map(ms));
    let dials = rig.peer.connections();
    assert!(
        (6..=7).contains(&dials.len()),
        "{} dials for 6 losses",
        dials.len()
    );
    for (pair, delay) in dials.windows(2).zip(delays) {
        let gap = pair[1].accepted_at.duration_since(pair[0].accepted_at);
        assert!(gap >= delay, "dialled after {gap:?} instead of {delay:?}");
    }
}

#[tokio::test]
async fn a_socket_that_was_up_long_enough_counts_from_zero_again() {
    let mut rig = Rig::new();
    let _feed = rig.open_with("/drop?after=60ms", |settings| {
        with_backoff(settings, |backoff| {
            always(ms(10))(backoff);
            backoff.max = ms(1000);
            backoff.stable_after = ms(20);
        });
    });
    for _ in 0..4 {
        assert_eq!(rig.watch.retrying().await.delay, ms(10));
    }
}

#[tokio::test]
async fn a_peer_that_stops_reading_and_answering_is_found_and_replaced() {
    let mut rig = Rig::new();
    let silent = Script::echo().await_messages(1).end(How::Freeze);
    rig.peer.script_each("/once", [silent, Script::echo()]);
    let feed = rig.open_with("/once", |settings| {
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(50),
            timeout: ms(500),
        };
    });
    rig.watch.ready().await;
    feed.send("the last thing it hears").unwrap();
    assert_eq!(rig.watch.error().await, Cause::PongTimeout);
    assert!(!rig.watch.closed().await.clean);
    rig.watch.ready().await;
    rig.echoes(&feed, "back").await;
    assert!(rig.peer.connections()[0].frozen);
}

#[tokio::test]
async fn a_half_open_peer_is_found_though_the_kernel_takes_no_more_bytes() {
    let mut rig = Rig::new();
    let silent = Script::sink().end(How::Freeze);
    rig.peer.script_each("/once", [silent, Script::sink()]);
    let feed = rig.open_with("/once", |settings| {
        settings.outbox.bytes = 64 << 20;
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(50),
            timeout: ms(500),
        };
    });
    // More than the buffers of both kernels hold: the ping itself is stuck behind it.
    for _ in 0..4 {
        feed.send(vec![7; 12 << 20]).unwrap();
    }
    assert_eq!(rig.watch.error().await, Cause::PongTimeout);
    rig.watch.ready().await;
    rig.peer
        .wait_until("the second socket has what was stuck", SOON, |peer| {
            let logs = peer.connections();
            logs.last().is_some_and(|log| log.byte_count >= 12 << 20)
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_frame_is_a_loss_and_no_message() {
    let mut rig = Rig::new();
    let feed = rig.open_once(Script::echo().half_a_frame().end(How::Reset));
    assert_eq!(rig.watch.error().await.kind(), "reset");
    rig.watch.ready().await;
    rig.echoes(&feed, "whole").await;
    let messages = rig
        .watch
        .seen()
        .iter()
        .filter(|event| event.contains(r#""type":"message""#));
    assert_eq!(messages.count(), 1);
}

#[tokio::test]
async fn a_tcp_end_in_the_middle_of_a_frame_is_a_loss() {
    let mut rig = Rig::new();
    let feed = rig.open_once(Script::echo().half_a_frame().end(How::Fin));
    assert_eq!(rig.watch.error().await, Cause::Eof);
    let report = rig.watch.closed().await;
    assert_eq!((report.code, report.clean), (1006, false));
    rig.watch.ready().await;
    rig.echoes(&feed, "whole").await;
}

#[tokio::test]
async fn a_close_that_nobody_asked_for_is_echoed_and_answered_by_a_new_dial() {
    for code in [1000, 1001, 1012, 4321] {
        let mut rig = Rig::new();
        let feed = rig.open_once(Script::echo().await_messages(1).close(Some(code), "bye"));
        rig.echoes(&feed, "hello").await;
        let report = rig.watch.closed().await;
        assert_eq!((report.code, report.clean), (code, true));
        assert_eq!(report.reason, "bye");
        rig.watch.ready().await;
        rig.echoes(&feed, "again").await;
        let first = ended(&rig, |log| log.id == 1).await;
        assert_eq!(first.close.unwrap().code, Some(code));
        assert_eq!(first.end.unwrap().1, Ended::ByPeer);
    }
}

#[tokio::test]
async fn a_close_frame_without_a_code_is_echoed_without_one() {
    let mut rig = Rig::new();
    let feed = rig.open_once(Script::echo().close(None, ""));
    assert_eq!(rig.watch.closed().await.code, 1005);
    rig.watch.ready().await;
    rig.echoes(&feed, "again").await;
    let first = ended(&rig, |log| log.id == 1).await;
    assert_eq!(first.close.unwrap().code, None);
}

#[tokio::test]
async fn each_violation_gets_the_close_code_that_fits_and_a_new_dial() {
    for (what, bytes, code) in [
        ("a reserved opcode", &[0x83, 0][..], 1002),
        ("a reserved bit", &[0xc1, 0], 1002),
        ("a masked frame", &[0x81, 0x80, 1, 2, 3, 4], 1002),
        ("a continuation of nothing", &[0x80, 0], 1002),
        ("a fragmented ping", &[0x09, 0], 1002),
        ("a long ping", &[0x89, 126, 0, 126], 1002),
        (
            "a close code that must not be sent",
            &[0x88, 2, 0x03, 0xed],
            1002,
        ),
        ("text that is not UTF-8", &[0x81, 2, 0xc3, 0x28], 1007),
        (
            "the first bad byte of a long text",
            &[0x81, 126, 1, 0, 0xff],
            1007,
        ),
        (
            "a frame too big",
            &[0x82, 127, 0, 0, 0, 0, 2, 0, 0, 0],
            1009,
        ),
    ] {
        let mut rig = Rig::new();
        let feed = rig.open_once(Script::echo().raw(bytes.to_vec()));
        assert_eq!(rig.watch.error().await.kind(), "protocol", "{what}");
        let report = rig.watch.closed().await;
        assert_eq!((report.code, report.clean), (code, false), "{what}");
        rig.watch.ready().await;
        rig.echoes(&feed, "again").await;
        let first = ended(&rig, |log| log.id == 1).await;
        let close = first
            .close
            .unwrap_or_else(|| panic!("{what}: no close frame came"));
        assert_eq!(close.code, Some(code), "{what}");
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_refused_and_the_name_comes_back() {
    let mut rig = Rig::new();
    let feed = rig.open_once(Script::echo().ping_flood(100_000));
    assert_eq!(rig.watch.error().await.kind(), "protocol");
    rig.watch.ready().await;
    rig.echoes(&feed, "again").await;
}

#[tokio::test]
async fn a_name_that_never_reconnects_fails_at_its_first_loss_and_connect_revives_it() {
    let mut rig = Rig::new();
    rig.peer
        .script_each("/once", [Script::echo().end(How::Fin), Script::echo()]);
    let feed = rig.open_with("/once", |settings| settings.reconnect = Reconnect::Never);
    let failed = rig.watch.failed().await;
    assert_eq!((failed.cause, failed.rule), (Cause::Eof, Rule::Never));
    wait_for_state(&feed, State::Failed).await;
    assert_eq!(feed.send("no").unwrap_err(), everwire::Rejected::Closed);
    rig.let_pass(ms(50)).await;
    assert_eq!(rig.peer.connections_at("/once").len(), 1);
    feed.connect(None).await.unwrap();
    rig.watch.ready().await;
    rig.echoes(&feed, "revived").await;
}

#[tokio::test]
async fn a_name_gives_up_after_max_attempts_and_on_the_causes_that_it_was_told() {
    let mut rig = Rig::new();
    let most = NonZeroU32::new(3).unwrap();
    let feed = rig.open_with("/status/503", |settings| {
        with_backoff(settings, |backoff| backoff.max_attempts = Some(most));
    });
    assert_eq!(rig.watch.failed().await.rule, Rule::MaxAttempts(most));
    assert_eq!(rig.peer.accepted(), 3);
    feed.connect(None).await.unwrap();
    assert_eq!(rig.watch.failed().await.rule, Rule::MaxAttempts(most));
    assert_eq!(rig.peer.accepted(), 6);

    for (path, rule) in [
        ("/status/403", GiveUpRule::Status(400..=499)),
        ("/close?code=4012", GiveUpRule::Close(4010..=4014)),
        ("/drop", GiveUpRule::Cause("eof")),
    ] {
        let mut rig = Rig::new();
        let wanted = rule.clone();
        let _feed = rig.open_with(path, |settings| {
            with_backoff(settings, |backoff| backoff.give_up_on = vec![rule]);
        });
        assert_eq!(rig.watch.failed().await.rule, Rule::GiveUpOn(wanted));
        assert_eq!(rig.peer.accepted(), 1);
    }
}

/// Waits until a connection that `which` selects has ended.
async fn ended(rig: &Rig, which: impl Fn(&ConnectionLog) -> bool) -> ConnectionLog {
    let is_over = |log: &&ConnectionLog| which(log) && log.end.is_some();
    let found = |peer: &everwire::testing::Peer| peer.connections().iter().find(is_over).cloned();
    rig.peer
        .wait_until("the end of a connection", SOON, |peer| {
            found(peer).is_some()
        })
        .await
        .unwrap();
    found(&rig.peer).unwrap()
}
