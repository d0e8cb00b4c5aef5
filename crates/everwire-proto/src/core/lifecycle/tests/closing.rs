//! Closes by hand and by the peer.

use super::*;

#[test]
fn a_close_by_hand_flushes_says_goodbye_and_ends_closed() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.close();
    assert!(world.life.is_flushing() && !world.accepting);
    let out = world.input(|life, policy, now, out| life.flushed(false, policy, now, out));
    assert_eq!(out, [Effect::SendClose(frame(1000))]);
    world.input(|life, policy, now, out| life.peer_closed(frame(1000), policy, now, out));
    assert!(world.life.is_goodbye());
    world.lost(Cause::Eof, 0);
    assert_eq!(world.life.state(), &State::Closed);
    let Some(Happened::Closed(report)) = world.happened.last() else {
        panic!("not told");
    };
    assert!(report.clean && report.by == CloseBy::Us && report.code == 1000);
}

#[test]
fn a_close_script_is_said_between_the_outbox_and_the_close_frame_within_the_same_time() {
    let closing = || {
        let mut world = World::new(Reconnect::default());
        world.connect();
        world.open();
        world.close();
        world.now += SECOND;
        let out = world.input(|life, policy, now, out| life.flushed(true, policy, now, out));
        assert_eq!(out, [Effect::CloseScript]);
        let life = &world.life;
        assert!(life.is_saying_close_script() && life.may_read());
        assert!(!life.is_flushing() && !life.may_write() && life.close_deadline().is_none());
        world
    };
    let over = |world: &mut World| {
        world.input(|life, policy, now, out| life.close_script_over(policy, now, out))
    };
    let mut world = closing();
    assert_eq!(over(&mut world), [Effect::SendClose(frame(1000))]);
    assert_eq!(over(&mut world), []);
    // An effect that takes too long delays nothing, and cancels nothing.
    let mut world = closing();
    let policy = world.policy();
    let left = world.life.deadline(policy).unwrap() - world.now;
    assert_eq!(left, policy.close_timeout - SECOND);
    world.now += left;
    let random = 0;
    let out = world.input(|life, policy, now, out| life.timer(policy, now, random, out));
    assert_eq!(out, [Effect::SendClose(frame(1000))]);
    // A peer that closes meanwhile is answered.
    let mut world = closing();
    let peers =
        world.input(|life, policy, now, out| life.peer_closed(frame(4000), policy, now, out));
    assert_eq!(peers, [Effect::SendClose(frame(4000))]);
    assert_eq!(over(&mut world), []);
    // A socket that is lost meanwhile counts as closed, too.
    let mut world = closing();
    world.lost(Cause::Eof, 0);
    world.restart();
    assert_eq!(world.life.state(), &State::Closed);
}

#[test]
fn the_old_socket_of_a_rotation_says_its_close_script_while_the_outbox_waits() {
    let mut world = rotating();
    let out = world.input(|life, policy, now, out| {
        life.successor_ready(frame(1001), true, policy, now, out);
    });
    assert_eq!(out, [Effect::CloseScript]);
    assert!(world.life.is_handing_over() && world.life.may_read() && !world.life.may_write());
    let mut by_hand = world.life.clone();
    let out = world.input(|life, policy, now, out| life.close_script_over(policy, now, out));
    assert_eq!(out, [Effect::SendClose(frame(1001))]);
    world.input(|life, policy, now, out| life.peer_closed(frame(1001), policy, now, out));
    world.lost(Cause::Eof, 0);
    assert!(matches!(world.happened.last(), Some(Happened::Rotated { report }) if report.clean));
    // A close by hand takes precedence here, too.
    let mut out = Vec::new();
    by_hand.close(frame(1000), world.policy(), world.now, &mut out);
    assert!(!by_hand.wants_successor());
    by_hand.close_script_over(world.policy(), world.now, &mut out);
    by_hand.lost(Cause::Eof, world.policy(), world.now, 0, &mut out);
    assert_eq!(by_hand.state(), &State::Closed);
}

#[test]
fn a_name_that_is_to_keep_no_socket_lets_its_own_go_in_order_and_is_idle() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.rest();
    assert!(world.life.is_flushing() && world.life.goes_idle() && world.accepting);
    let out = world.input(|life, policy, now, out| life.flushed(false, policy, now, out));
    assert_eq!(out, [Effect::SendClose(frame(1001))]);
    world.lost(Cause::Eof, 0);
    world.restart();
    assert_eq!((world.life.state(), world.dials), (&State::Idle, 1));

    // A dial and a backoff end at once; a name that was closed by hand stays closed until it is
    // connected.
    world.connect();
    world.rest();
    world.restart();
    world.connect();
    world.lost(Cause::Eof, 0);
    world.restart();
    world.rest();
    world.restart();
    assert_eq!(world.life.state(), &State::Idle);
    world.close();
    world.restart();
    world.rest();
    assert_eq!(
        (world.life.state(), world.accepting),
        (&State::Closed, false)
    );
    world.reopen();
    assert_eq!((world.life.state(), world.accepting), (&State::Idle, true));
    assert_eq!(world.dials, 3);
}

/// The report if a peer's close frame arrives after ours, which was 1000 "done".
fn met(theirs: CloseFrame) -> ClosedReport {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.input(|life, policy, now, out| {
        life.close(CloseFrame::new(1000, "done"), policy, now, out);
    });
    world.input(|life, policy, now, out| life.flushed(false, policy, now, out));
    world.input(|life, policy, now, out| life.peer_closed(theirs, policy, now, out));
    // Only the first one counts.
    world.input(|life, policy, now, out| life.peer_closed(frame(4000), policy, now, out));
    world.lost(Cause::Eof, 0);
    let Some(Happened::Closed(report)) = world.happened.pop() else {
        panic!("not told");
    };
    assert!(report.clean);
    let sent = report.sent.as_ref().map(|sent| (sent.code, &*sent.reason));
    assert_eq!(sent, Some((1000, "done")));
    report
}

#[test]
fn the_first_close_frame_that_is_received_decides_and_ours_is_told_beside_it() {
    for (theirs, code, reason, by) in [
        (frame(1000), 1000, "done", CloseBy::Us),
        (CloseFrame::new(1000, "bye"), 1000, "bye", CloseBy::Us),
        (CloseFrame::default(), 1005, "", CloseBy::Us),
        (
            CloseFrame::new(1008, "bad key"),
            1008,
            "bad key",
            CloseBy::Peer,
        ),
        (frame(4009), 4009, "", CloseBy::Peer),
    ] {
        let report = met(theirs);
        assert_eq!(
            (report.code, &*report.reason, report.by),
            (code, reason, by)
        );
    }
}

#[test]
fn a_peer_that_never_answers_a_close_is_left_at_the_deadline() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.close();
    world.now += 5 * SECOND;
    world.timer(0);
    assert!(!world.life.is_flushing());
    world.now += 5 * SECOND;
    world.timer(0);
    assert_eq!(world.life.state(), &State::Closed);
}

#[test]
fn a_connect_during_a_close_dials_once_the_socket_is_gone() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.close();
    world.connect();
    assert!(world.accepting);
    assert_eq!(world.dials, 1);
    world.lost(Cause::Eof, 0);
    world.restart();
    assert_eq!(world.dials, 2);
}
