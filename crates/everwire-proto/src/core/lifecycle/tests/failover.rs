//! Several URLs: random lives, compared with the times at which each URL may be dialled.

use std::num::NonZeroU32;

use super::*;
use crate::settings::Jitter;

/// An event between two dials.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The dial fails after this number of milliseconds.
    Fails(u8, u64),
    /// It succeeds, and the socket is lost after this number of milliseconds.
    Lives(u8, u64),
    /// `connect` by hand, before the delay is over.
    ByHand,
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let step = prop_oneof![
        5 => (0u8..6, 0u64..12_000).prop_map(|(kind, took)| Step::Fails(kind, took)),
        2 => (4u8..8, 0u64..40_000).prop_map(|(kind, up)| Step::Lives(kind, up)),
        1 => Just(Step::ByHand),
    ];
    prop::collection::vec((step, any::<u64>()), 0..80)
}

fn failure(kind: u8) -> Cause {
    let status = |status, retry_after: Option<u64>| Cause::HandshakeStatus {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        text: String::new(),
    };
    match kind {
        0 => status(503, Some(60)),
        1 => status(429, Some(0)),
        2 => status(404, None),
        3 => Cause::Refused(String::new()),
        4 => Cause::Eof,
        5 => status(503, Some(86_400)),
        _ => Cause::Closed(frame(if kind == 6 { 1012 } else { 1011 })),
    }
}

/// The observable state of a URL.
#[derive(Clone, Default)]
struct Known {
    /// It may not be dialled before the first time, and may be dialled after the second.
    held: Option<(Instant, Instant)>,
    failures: u32,
    retries: u32,
    /// Dials of other URLs since this one was certainly due.
    passed_over: usize,
}

/// The bounds of the delay of a URL after a loss.
fn bounds(backoff: &Backoff, cause: &Cause, retries: u32) -> (Duration, Duration) {
    match cause {
        Cause::HandshakeStatus {
            retry_after: Some(after),
            ..
        } => {
            let after = (*after).min(3600 * SECOND);
            (after, after + backoff.initial.max(after / 10))
        }
        Cause::HandshakeStatus { status: 404, .. } => (backoff.min, backoff.max),
        Cause::Closed(frame) if frame.code == Some(1012) && retries == 0 => {
            (Duration::ZERO, Duration::ZERO)
        }
        _ => (backoff.min, backoff::cap(backoff, retries)),
    }
}

fn backoffs() -> impl Strategy<Value = Backoff> {
    (0u64..300, 0u64..2_000, 0u64..40_000, any::<bool>(), 0u32..6).prop_map(
        |(min, more, most, jitter, attempts)| {
            let mut backoff = Backoff::default();
            backoff.min = Duration::from_millis(min);
            backoff.initial = backoff.min + Duration::from_millis(more + 1);
            backoff.max = backoff.initial + Duration::from_millis(most);
            backoff.max_attempts = NonZeroU32::new(attempts);
            if jitter {
                backoff.jitter = Jitter::None;
            }
            backoff
        },
    )
}

struct Trace {
    world: World,
    backoff: Backoff,
    known: Vec<Known>,
}

impl Trace {
    fn new(count: usize, backoff: Backoff) -> Self {
        let mut world = World::new(Reconnect::Backoff(backoff.clone()));
        world.life.set_endpoints(count);
        world.connect();
        Self {
            world,
            backoff,
            known: vec![Known::default(); count],
        }
    }

    fn current(&self) -> usize {
        self.world.life.endpoints().current()
    }

    /// The socket or the dial is lost: updates the state, and checks the reaction.
    fn lost(
        &mut self,
        kind: u8,
        was_up: Option<Duration>,
        random: u64,
    ) -> Result<(), TestCaseError> {
        let (url, cause, now) = (self.current(), failure(kind), self.world.now);
        let stable = was_up.is_some_and(|up| up >= self.backoff.stable_after);
        if stable {
            // After a served socket the next choice begins with the first URL.
            self.known
                .iter_mut()
                .for_each(|known| known.passed_over = 0);
        }
        let known = &mut self.known[url];
        if stable {
            (known.failures, known.retries) = (0, 0);
        } else {
            known.failures += 1;
        }
        let (shortest, longest) = bounds(&self.backoff, &cause, known.retries);
        known.held = Some((now + shortest, now + longest));
        known.retries += 1;
        let attempt = self.world.life.dials();
        self.world.lost(cause, random);
        let most = self.backoff.max_attempts.map(NonZeroU32::get);
        let all_failed = self.known.iter().map(|known| known.failures).min();
        let gives_up = most.is_some_and(|most| all_failed >= Some(most));
        prop_assert_eq!(self.world.life.state() == &State::Failed, gives_up);
        let attempt = if stable { 1 } else { attempt + 1 };
        prop_assert!(gives_up || self.world.life.dials() == attempt);
        self.world.restart();
        Ok(())
    }

    /// Waits until the next dial is due, which must be in time.
    fn wait(&mut self) -> Result<(), TestCaseError> {
        let State::Backoff { until } = *self.world.life.state() else {
            return Err(TestCaseError::fail("it does not wait"));
        };
        let (lost_at, next) = (self.world.now, self.current());
        self.world.now = until;
        if let Some((earliest, _)) = self.known[next].held {
            prop_assert!(
                until >= earliest,
                "dialled {:?} too early",
                earliest - until
            );
        }
        // None can have been due before the earliest time, or before a change of URL.
        let surely = |known: &Known| known.held.map_or(lost_at, |(_, latest)| latest);
        let first = self.known.iter().map(surely).min().unwrap_or(lost_at);
        let bound = first.max(lost_at + self.backoff.initial);
        let own = self.known[next].held.map_or(lost_at, |(_, latest)| latest);
        prop_assert!(
            until <= bound.max(own),
            "waits {:?} too long",
            until - bound
        );
        for (url, known) in self.known.iter_mut().enumerate() {
            let has_come = known.held.is_none_or(|(_, latest)| latest <= lost_at);
            known.passed_over = match has_come && url != next {
                true => known.passed_over + 1,
                false => 0,
            };
        }
        let bound = 2 * self.known.len();
        for known in &self.known {
            prop_assert!(
                known.passed_over <= bound,
                "no turn in {} dials",
                known.passed_over
            );
        }
        self.world.timer(0);
        prop_assert_eq!(self.world.life.state(), &State::Connecting);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn each_url_keeps_its_own_time_has_its_turn_and_a_name_gives_up_when_all_have_failed(
        count in 2usize..6, backoff in backoffs(), steps in steps(),
    ) {
        let mut trace = Trace::new(count, backoff);
        for (step, random) in steps {
            if trace.world.life.state() == &State::Failed {
                trace.world.connect();
                trace.known = vec![Known::default(); count];
                prop_assert_eq!(trace.current(), 0);
                continue;
            }
            match (step, trace.world.life.state()) {
                (Step::ByHand, State::Backoff { .. }) => {
                    trace.world.connect();
                    prop_assert_eq!(trace.world.life.state(), &State::Connecting);
                    continue;
                }
                (_, State::Backoff { .. }) => trace.wait()?,
                (_, state) => prop_assert_eq!(state, &State::Connecting),
            }
            match step {
                Step::Fails(kind, took) => {
                    trace.world.now += Duration::from_millis(took);
                    trace.lost(kind, None, random)?;
                }
                Step::Lives(kind, up) => {
                    let up = Duration::from_millis(up);
                    trace.world.open();
                    trace.world.now += up;
                    trace.lost(kind, Some(up), random)?;
                }
                Step::ByHand => {}
            }
        }
    }

    /// A single URL behaves as if there were no failover: only the delay of the loss counts.
    #[test]
    fn an_only_url_waits_for_what_its_own_loss_asks(backoff in backoffs(), steps in steps()) {
        let mut trace = Trace::new(1, backoff);
        trace.world.reconnect = Reconnect::Backoff({
            trace.backoff.max_attempts = None;
            trace.backoff.clone()
        });
        for (step, random) in steps {
            let (Step::Fails(kind, took) | Step::Lives(kind, took)) = step else { continue };
            let up = matches!(step, Step::Lives(..)).then(|| Duration::from_millis(took));
            if up.is_some() {
                trace.world.open();
            }
            trace.world.now += Duration::from_millis(took);
            trace.lost(kind, up, random)?;
            let delay = trace.world.delays.pop().expect("it retries");
            let retries = trace.known[0].retries - 1;
            let (shortest, longest) = bounds(&trace.backoff, &failure(kind), retries);
            prop_assert!(shortest <= delay && delay <= longest, "{delay:?}");
            trace.world.now += delay;
            trace.world.timer(0);
        }
    }
}

#[test]
fn a_name_is_no_larger_for_what_it_knows_of_urls() {
    assert!(size_of::<Lifecycle>() <= 80, "{}", size_of::<Lifecycle>());
}

#[test]
fn a_refused_successor_is_dialled_again_when_the_server_wants_it() {
    let mut world = rotating();
    let busy = Cause::HandshakeStatus {
        status: 503,
        retry_after: Some(60 * SECOND),
        text: String::new(),
    };
    world.input(|life, policy, now, out| life.successor_failed(busy, policy, now, 0, out));
    world.now += 59 * SECOND;
    world.timer(0);
    assert!(!world.life.wants_successor());
    world.now += SECOND;
    world.timer(0);
    assert!(world.life.wants_successor());
}

#[test]
fn a_dial_that_waits_for_a_url_that_is_gone_is_hurried() {
    let mut world = World::new(Reconnect::default());
    world.connect();
    let busy = Cause::HandshakeStatus {
        status: 503,
        retry_after: Some(60 * SECOND),
        text: String::new(),
    };
    world.lost(busy, 0);
    world.restart();
    world.life.set_endpoints(2);
    world.input(|life, policy, now, _| life.hurry(policy, now, u64::MAX));
    world.now += backoff().initial;
    world.timer(0);
    assert_eq!(world.life.state(), &State::Connecting);
}
