mod closing;
mod failover;
mod properties;
mod rotation;

use proptest::prelude::*;

use super::*;
use crate::settings::Backoff;

const SECOND: Duration = Duration::from_secs(1);

/// A life and its environment: counts the results of effects, and fails if one is not allowed.
struct World {
    life: Lifecycle,
    reconnect: Reconnect,
    now: Instant,
    /// Live dials and sockets of this incarnation.
    links: u32,
    dials: u32,
    /// A second link beside the serving one.
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

    /// The supervisor's restart.
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

/// A serving name with a successor in progress.
fn rotating() -> World {
    let mut world = World::new(Reconnect::default());
    world.connect();
    world.open();
    world.input(|life, _, _, out| assert!(life.rotate(out)));
    world
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
