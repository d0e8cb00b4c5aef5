mod failover;

use proptest::prelude::*;

use super::*;
use crate::settings::Backoff;

const SECOND: Duration = Duration::from_secs(1);

/// A life and its world: counts what the effects bring about, and fails when they may not.
struct World {
    life: Lifecycle,
    reconnect: Reconnect,
    now: Instant,
    /// Dials and sockets of this incarnation that are alive.
    links: u32,
    dials: u32,
    /// A second link, beside the one that serves.
    successor: bool,
    restart_due: bool,
    accepting: bool,
    happened: Vec<Happened>,
    delays: Vec<Duration>,
}

impl World {
    fn new(reconnect: Reconnect) -> Self {
        let mut world = Self {
            life: Lifecycle::default(),
            reconnect,
            now: Instant::now(),
            links: 0,
            dials: 0,
            successor: false,
            restart_due: false,
            accepting: true,
            happened: Vec::new(),
            delays: Vec::new(),
        };
        world.input(|life, _, _, out| life.started(out));
        world
    }

    fn policy(&self) -> Policy<'_> {
        Policy {
            reconnect: &self.reconnect,
            close_timeout: 5 * SECOND,
            rotate_after: None,
        }
    }

    fn input(
        &mut self,
        input: impl FnOnce(&mut Lifecycle, Policy<'_>, Instant, &mut Vec<Effect>),
    ) -> Vec<Effect> {
        let mut out = Vec::new();
        let policy = Policy {
            reconnect: &self.reconnect,
            close_timeout: 5 * SECOND,
            rotate_after: None,
        };
        input(&mut self.life, policy, self.now, &mut out);
        for effect in &out {
            assert!(
                !self.restart_due
                    || matches!(
                        effect,
                        Effect::Emit(_)
                            | Effect::SetAccepting(_)
                            | Effect::Cancel
                            | Effect::SendClose(_)
                    ),
                "{effect:?} after the end of the incarnation"
            );
            match effect {
                Effect::Dial => {
                    self.dials += 1;
                    self.links += 1;
                    assert_eq!(self.links, 1, "two links in one incarnation");
                }
                Effect::Restart => self.restart_due = true,
                Effect::SetAccepting(open) => self.accepting = *open,
                Effect::Emit(happened) => {
                    if let Happened::Retrying { delay, .. } = happened {
                        self.delays.push(*delay);
                    }
                    self.happened.push(happened.clone());
                }
                Effect::DialSuccessor => {
                    assert_eq!(self.links, 1, "a successor of nothing");
                    self.successor = true;
                }
                Effect::Cancel | Effect::SendClose(_) | Effect::CloseScript => {}
            }
        }
        self.successor &= self.life.wants_successor();
        out
    }

    /// What the supervisor does.
    fn restart(&mut self) {
        if std::mem::take(&mut self.restart_due) {
            self.links = u32::from(std::mem::take(&mut self.successor));
            let adopts = matches!(self.life.state(), State::Adopting { .. });
            assert_eq!(self.links == 1, adopts, "a successor is adopted or gone");
            self.input(|life, _, _, out| life.started(out));
        }
    }

    fn connect(&mut self) {
        self.input(|life, _, _, out| life.connect(out));
    }

    fn close(&mut self) {
        self.input(|life, policy, now, out| life.close(frame(1000), policy, now, out));
    }

    fn rest(&mut self) {
        self.input(|life, policy, now, out| life.rest(frame(1001), policy, now, out));
    }

    fn reopen(&mut self) {
        self.input(|life, _, _, out| life.reopen(out));
    }

    fn open(&mut self) {
        let now = self.now;
        self.input(|life, _, _, _| life.opened(now));
    }

    fn lost(&mut self, cause: Cause, random: u64) {
        self.input(|life, policy, now, out| life.lost(cause, policy, now, random, out));
    }

    fn timer(&mut self, random: u64) {
        self.input(|life, policy, now, out| life.timer(policy, now, random, out));
    }
}

fn frame(code: u16) -> CloseFrame {
    CloseFrame {
        code: Some(code),
        reason: Default::default(),
    }
}

fn backoff() -> Backoff {
    Backoff::default()
}

#[derive(Clone, Debug)]
enum Step {
    Connect,
    Close,
    Rest,
    Reopen,
    Opened,
    Lost(u8),
    PeerClosed,
    Violated,
    Flushed,
    CloseScriptOver,
    Replace,
    Rotate,
    SuccessorReady,
    SuccessorFailed(u8),
    GiveWay,
    Wait(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        2 => Just(Step::Connect),
        2 => Just(Step::Close),
        1 => Just(Step::Rest),
        1 => Just(Step::Reopen),
        4 => Just(Step::Opened),
        3 => (0u8..4).prop_map(Step::Lost),
        2 => Just(Step::PeerClosed),
        1 => Just(Step::Violated),
        2 => Just(Step::Flushed),
        2 => Just(Step::CloseScriptOver),
        1 => Just(Step::Replace),
        2 => Just(Step::Rotate),
        2 => Just(Step::SuccessorReady),
        1 => (0u8..4).prop_map(Step::SuccessorFailed),
        1 => Just(Step::GiveWay),
        6 => (0u64..40_000).prop_map(Step::Wait),
        6 => Just(Step::Restart),
    ];
    prop::collection::vec((step, any::<u64>()), 0..120)
}

fn cause(kind: u8) -> Cause {
    match kind {
        0 => Cause::Eof,
        1 => Cause::TlsCertificate("expired".into()),
        2 => Cause::HandshakeStatus {
            status: 429,
            retry_after: Some(7 * SECOND),
            text: String::new(),
        },
        _ => Cause::Panic("here".into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// `World::input` holds that an incarnation has one link at most, and that nothing but telling follows its end.
    #[test]
    fn no_trace_leads_to_two_links_to_a_dial_after_a_close_or_to_a_delay_out_of_bounds(steps in steps()) {
        let mut world = World::new(Reconnect::Backoff(backoff()));
        let mut closed = true;
        let mut dials = 0;
        for (step, random) in steps {
            match step {
                Step::Connect => { world.connect(); closed = false; }
                Step::Close => { world.close(); closed = true; }
                Step::Rest => { world.rest(); closed = true; }
                Step::Reopen => world.reopen(),
                // What belongs to a link happens only while there is one; a restart takes it away first.
                _ if world.restart_due => world.restart(),
                Step::Opened if world.links == 1 => world.open(),
                Step::Lost(kind) => world.lost(cause(kind), random),
                Step::PeerClosed if world.links == 1 => {
                    world.input(|life, policy, now, out| life.peer_closed(frame(1012), policy, now, out));
                }
                Step::Violated if world.links == 1 => {
                    world.input(|life, policy, now, out| life.violated(Cause::Eof, 1002, policy, now, out));
                }
                Step::Flushed => {
                    world.input(|life, policy, now, out| life.flushed(random % 2 == 0, policy, now, out));
                }
                Step::CloseScriptOver => {
                    world.input(|life, policy, now, out| life.close_script_over(policy, now, out));
                }
                Step::Replace => {
                    world.input(|life, _, _, out| { life.replace(out); });
                }
                Step::Rotate => {
                    world.input(|life, _, _, out| { life.rotate(out); });
                }
                Step::SuccessorReady if world.successor => {
                    world.input(|life, policy, now, out| life.successor_ready(frame(1001), random % 2 == 0, policy, now, out));
                }
                Step::SuccessorFailed(kind) if world.successor => {
                    world.input(|life, policy, now, out| life.successor_failed(cause(kind), policy, now, random, out));
                }
                Step::GiveWay if world.successor => {
                    world.input(|life, policy, now, out| life.give_way(frame(1001), policy, now, out));
                }
                Step::Wait(millis) => {
                    world.now += Duration::from_millis(millis);
                    world.timer(random);
                }
                Step::Restart
                | Step::Opened
                | Step::PeerClosed
                | Step::Violated
                | Step::SuccessorReady
                | Step::GiveWay
                | Step::SuccessorFailed(_) => world.restart(),
            }
            prop_assert!(!closed || world.dials == dials, "dialled after a close by hand");
            let is_idle = world.life.state() == &State::Idle || world.life.goes_idle();
            prop_assert_eq!(!closed || is_idle, world.accepting || world.life.state() == &State::Failed);
            dials = world.dials;
            for delay in world.delays.drain(..) {
                let least = if delay >= 7 * SECOND { backoff().min } else { Duration::ZERO };
                prop_assert!(least <= delay && delay <= 7 * SECOND + backoff().max, "{:?}", delay);
            }
            if world.links == 0 && !world.restart_due {
                prop_assert!(!world.life.holds_a_link() || world.life.state() == &State::Connecting, "a socket without a link");
            }
        }
        // Left alone with a healthy peer, a name that is wanted comes up.
        if !closed {
            for _ in 0..8 {
                world.restart();
                world.now += 3700 * SECOND;
                world.timer(0);
                world.open();
            }
            let is_up = matches!(world.life.state(), State::Open { .. });
            prop_assert!(is_up, "{:?}", world.life.state());
        }
    }
}

#[test]
fn a_server_that_accepts_and_closes_is_backed_off_further_and_further() {
    let mut world = World::new(Reconnect::Backoff(backoff()));
    world.connect();
    let mut caps = Vec::new();
    for _ in 0..8 {
        world.open();
        world.now += SECOND;
        world.lost(Cause::Eof, u64::MAX);
        caps.push(world.delays.pop().unwrap());
        world.now += 60 * SECOND;
        world.restart();
        world.timer(0);
    }
    let millis: Vec<u128> = caps.iter().map(Duration::as_millis).collect();
    assert_eq!(
        millis,
        [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
    );
}

#[test]
fn only_a_stable_socket_resets_the_attempts() {
    let mut world = World::new(Reconnect::Backoff(backoff()));
    world.connect();
    for (up, expected) in [(9, 500), (9, 1000), (10, 500), (9, 1000)] {
        world.open();
        world.now += Duration::from_secs(up);
        world.lost(Cause::Eof, u64::MAX);
        assert_eq!(world.delays.pop().unwrap().as_millis(), expected);
        world.now += 60 * SECOND;
        world.restart();
        world.timer(0);
    }
}

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
    // What takes too long keeps nothing waiting, and cancels nothing.
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
    // A socket that is lost meanwhile is closed all the same.
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
    // A close by hand wins here, too.
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

    // A dial and a backoff end at once; one that was closed by hand stays so, until it is wanted again.
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

/// What is told when a peer's close frame comes behind ours, which was 1000 "done".
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

#[test]
fn a_connect_during_a_backoff_dials_now() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.lost(Cause::Refused(String::new()), 0);
    world.restart();
    assert_eq!(world.dials, 1);
    world.connect();
    assert_eq!(world.dials, 2);
}

#[test]
fn attempts_are_counted_until_the_name_gives_up() {
    let mut backoff = backoff();
    backoff.max_attempts = std::num::NonZeroU32::new(3);
    let mut world = World::new(Reconnect::Backoff(backoff));
    world.connect();
    for _ in 0..3 {
        world.lost(Cause::Refused(String::new()), 0);
        world.restart();
        world.now += 60 * SECOND;
        world.timer(0);
    }
    assert_eq!(world.dials, 3);
    assert_eq!(world.life.state(), &State::Failed);
    assert!(!world.accepting);
    world.connect();
    assert!(world.accepting);
    assert_eq!(world.dials, 4);
}

/// One that serves, with a successor under way.
fn rotating() -> World {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    world
}

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
    world.now += 60 * SECOND;
    world.timer(0);
    assert!(world.life.wants_successor());
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

#[test]
fn a_peer_that_restarts_is_dialled_at_once_but_only_once() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    for expected in [0, 1000] {
        world.open();
        world.input(|life, policy, now, out| life.peer_closed(frame(1012), policy, now, out));
        world.lost(Cause::Eof, u64::MAX);
        assert_eq!(world.delays.pop().unwrap().as_millis(), expected);
        world.now += 60 * SECOND;
        world.restart();
        world.timer(0);
    }
}

/// A name whose old socket is to give way to the next one.
fn giving_way() -> World {
    let mut world = World::new(Reconnect::Backoff(backoff()));
    world.connect();
    world.open();
    world.now += 60 * SECOND;
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    world.input(|life, policy, now, out| life.give_way(frame(1001), policy, now, out));
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
    world.input(|life, policy, now, out| life.give_way(frame(1001), policy, now, out));
    assert!(
        matches!(world.life.state(), State::Open { .. }),
        "nobody asked"
    );
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    world.input(|life, policy, now, out| {
        life.successor_failed(Cause::Eof, policy, now, 0, out);
    });
    world.input(|life, policy, now, out| life.give_way(frame(1001), policy, now, out));
    assert!(matches!(world.life.state(), State::Open { .. }));
}
