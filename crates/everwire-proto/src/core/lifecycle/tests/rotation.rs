//! Successors, and sockets that close first.

use super::*;

#[test]
fn a_successor_takes_over_when_it_is_ready_and_the_old_socket_has_ended() {
    let mut world = rotating();
    let out = world.input(|life, policy, now, out| {
        life.successor_ready(frame(1001), false, policy, now, out);
    });
    assert_eq!(out, [Effect::SendClose(frame(1001))]);
    assert!(world.life.is_handing_over() && world.life.may_read() && !world.life.may_write());
    world.input(|life, policy, now, out| life.peer_closed(frame(1001), policy, now, out));
    world.lost(Cause::Eof, 0);
    assert!(matches!(world.happened.last(), Some(Happened::Rotated { report }) if report.clean));
    world.restart();
    assert!(matches!(world.life.state(), State::Open { .. }));
    assert_eq!((world.dials, world.life.incarnation()), (1, 2));
}

#[test]
fn a_successor_that_fails_leaves_the_old_socket_alone_and_is_tried_again() {
    let mut world = rotating();
    world.input(|life, policy, now, out| {
        life.successor_failed(Cause::Eof, policy, now, 0, out);
    });
    assert!(world.life.may_write() && !world.life.wants_successor());
    let failed = world.life.failed_successors().unwrap();
    assert!(matches!(failed, (1, Some(until)) if until > world.now));
    world.now += 60 * SECOND;
    world.timer(0);
    assert!(world.life.wants_successor());
    assert_eq!(world.life.failed_successors(), Some((1, None)));
}

#[test]
fn a_successor_that_is_up_takes_over_however_the_old_socket_ends() {
    let mut lost = rotating();
    let now = lost.now;
    lost.input(|life, _, _, _| life.successor_up(now));
    lost.lost(Cause::Eof, 0);
    assert!(matches!(lost.happened.last(), Some(Happened::Rotated { report }) if !report.clean));
    lost.restart();
    assert!(matches!(lost.life.state(), State::Open { .. }));
    let mut closed = rotating();
    closed.input(|life, _, _, _| life.successor_up(now));
    closed.input(|life, policy, now, out| life.peer_closed(frame(1001), policy, now, out));
    closed.lost(Cause::Eof, 0);
    closed.restart();
    assert!(matches!(closed.life.state(), State::Open { .. }));
}

#[test]
fn a_loss_during_a_rotation_is_an_ordinary_loss() {
    let mut world = rotating();
    world.lost(Cause::Eof, 0);
    assert!(!world.successor);
    world.restart();
    assert!(matches!(world.life.state(), State::Backoff { .. }));
}

#[test]
fn a_close_by_hand_wins_over_a_hand_over() {
    let mut world = rotating();
    world
        .input(|life, policy, now, out| life.successor_ready(frame(1001), false, policy, now, out));
    world.close();
    assert!(!world.successor);
    world.lost(Cause::Eof, 0);
    world.restart();
    assert_eq!(world.life.state(), &State::Closed);
}

/// A name whose old socket closes before the next one is dialled.
fn giving_way() -> World {
    let mut world = World::new(Reconnect::Backoff(backoff()));
    world.connect();
    world.open();
    world.now += 60 * SECOND;
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    world.input(|life, policy, now, out| life.give_way(frame(1001), false, policy, now, out));
    assert!(world.life.is_replacing() && !world.life.is_handing_over());
    assert!(!world.life.wants_successor(), "one at a time");
    world
}

fn peer_closes(world: &mut World, code: u16) {
    world.input(|life, policy, now, out| life.peer_closed(frame(code), policy, now, out));
}

#[test]
fn a_socket_that_gives_way_is_followed_by_a_dial_without_a_wait() {
    let mut world = giving_way();
    assert_eq!(world.dials, 1);
    peer_closes(&mut world, 1001);
    assert_eq!(world.life.state(), &State::Connecting);
    world.restart();
    assert_eq!((world.dials, world.delays.len()), (2, 0));
    assert!(world.life.is_replacing());
    world.open();
    assert!(!world.life.is_replacing());
    assert_eq!(world.life.attempt(world_policy(&world), world.now), 0);
    let told: Vec<&str> = world
        .happened
        .iter()
        .map(|happened| match happened {
            Happened::Connecting { .. } => "connecting",
            Happened::Closed(report) if report.clean && report.code == 1001 => "closed",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, ["connecting", "closed", "connecting"]);
}

fn world_policy(world: &World) -> Policy<'_> {
    Policy {
        reconnect: &world.reconnect,
        close_timeout: 5 * SECOND,
        rotate_after: None,
    }
}

#[test]
fn whatever_ends_the_socket_that_gives_way_the_next_is_dialled() {
    type End = fn(&mut World);
    let ends: [End; 4] = [
        |world| world.lost(Cause::Eof, 0),
        |world| {
            world.now += 6 * SECOND;
            world.timer(0);
        },
        |world| {
            world.input(|life, policy, now, out| life.violated(Cause::Eof, 1002, policy, now, out));
            world.lost(Cause::Eof, 0);
        },
        |world| peer_closes(world, 4000),
    ];
    for end in ends {
        let mut world = giving_way();
        end(&mut world);
        world.restart();
        assert_eq!(world.dials, 2);
        assert!(world.delays.is_empty(), "{:?}", world.happened);
    }
}

#[test]
fn a_close_script_is_said_before_a_socket_gives_way() {
    let mut world = World::new(Reconnect::Backoff(backoff()));
    world.connect();
    world.open();
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    let out = world.input(|life, policy, now, out| {
        life.give_way(frame(1001), true, policy, now, out);
    });
    assert_eq!(out, [Effect::CloseScript]);
    assert!(world.life.is_saying_close_script() && world.life.is_replacing());
    let out = world.input(|life, policy, now, out| life.close_script_over(policy, now, out));
    assert_eq!(out, [Effect::SendClose(frame(1001))]);
    peer_closes(&mut world, 1001);
    world.restart();
    assert_eq!(world.dials, 2);
}

#[test]
fn a_dial_in_the_place_of_a_socket_that_fails_is_a_usual_loss() {
    let mut world = giving_way();
    peer_closes(&mut world, 1001);
    world.restart();
    world.lost(Cause::Eof, u64::MAX);
    assert_eq!(world.delays, [Duration::from_millis(500)]);
    assert!(!world.life.is_replacing());
    world.now += 60 * SECOND;
    world.restart();
    world.timer(0);
    assert_eq!(world.dials, 3);
    assert!(!world.life.is_replacing(), "it is a retry");
}

#[test]
fn a_close_by_hand_wins_over_a_socket_that_gives_way() {
    let mut world = giving_way();
    world.close();
    peer_closes(&mut world, 1001);
    world.lost(Cause::Eof, 0);
    world.restart();
    assert_eq!((world.life.state(), world.dials), (&State::Closed, 1));

    let mut world = giving_way();
    peer_closes(&mut world, 1001);
    world.close();
    world.restart();
    assert_eq!((world.life.state(), world.dials), (&State::Closed, 1));
    world.connect();
    assert!(!world.life.is_replacing());
}

#[test]
fn what_is_prepared_in_vain_leaves_the_socket_as_it_is() {
    let mut world = World::new(Reconnect::Backoff(backoff()));
    world.connect();
    world.open();
    world.input(|life, policy, now, out| life.give_way(frame(1001), false, policy, now, out));
    assert!(
        matches!(world.life.state(), State::Open { .. }),
        "nobody asked"
    );
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    world.input(|life, policy, now, out| {
        life.successor_failed(Cause::Eof, policy, now, 0, out);
    });
    world.input(|life, policy, now, out| life.give_way(frame(1001), false, policy, now, out));
    assert!(matches!(world.life.state(), State::Open { .. }));
}
