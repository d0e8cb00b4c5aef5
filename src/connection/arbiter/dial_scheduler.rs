//! The turnstile of an arbiter: the steps of dials pass it a few at a time, so that what comes on a socket never waits behind all
//! of them.
//!
//! Each is tens of microseconds, the kernel's for the most part. Where hundreds of names lose their sockets together
//! their steps come together, too; a message that is read behind them all is late by their sum.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::clock;

/// When steps have taken so long, all else that is ready has its turn.
const TURN: Duration = Duration::from_micros(60);

/// So long after the last message of this thread dials give way. Where nothing comes, they need not: turns cost a
/// dial some twentieth of all that it takes.
const LIVELY: Duration = Duration::from_secs(1);

thread_local! {
    static TURNSTILE: Rc<Turnstile> = Rc::default();
    static HEARD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A message has come on a socket of this thread.
pub(in crate::connection) fn heard(now: Instant) {
    HEARD.set(Some(now));
}

/// Whether messages come on this thread.
fn is_lively(now: Instant) -> bool {
    let heard = HEARD.get();
    heard.is_some_and(|heard| now.saturating_duration_since(heard) < LIVELY)
}

/// A dial, each step of which passes the turnstile of the thread that it is polled on.
pub(in crate::connection) struct ByTurns<F> {
    dial: Pin<Box<F>>,
    /// Held while a step waits.
    place: Option<Rc<Place>>,
}

/// A place among those that wait.
#[derive(Debug)]
struct Place {
    is_admitted: Cell<bool>,
    waker: RefCell<Waker>,
}

#[derive(Default)]
struct Turnstile {
    /// How long the steps of this turn took.
    used: Cell<Duration>,
    waiting: RefCell<VecDeque<Weak<Place>>>,
    usher: RefCell<Usher>,
}

/// Who begins the next turn.
#[derive(Default)]
enum Usher {
    #[default]
    None,
    /// Until a step is taken.
    Rests(Waker),
    AtWork,
}

impl<F: Future> ByTurns<F> {
    /// The steps of this dial.
    pub fn new(dial: F) -> Self {
        Self {
            dial: Box::pin(dial),
            place: None,
        }
    }
}

impl<F: Future> Future for ByTurns<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let start = clock::now();
        if self.place.is_none() && !is_lively(start) {
            return self.dial.as_mut().poll(cx);
        }
        let turnstile = TURNSTILE.with(Rc::clone);
        if !turnstile.admits(&mut self.place, cx.waker()) {
            return Poll::Pending;
        }
        let polled = self.dial.as_mut().poll(cx);
        turnstile.count(clock::now().saturating_duration_since(start));
        polled
    }
}

impl Turnstile {
    /// Whether a step may be taken now; if not, it has a place, and the waker is called when it may.
    fn admits(&self, place: &mut Option<Rc<Place>>, waker: &Waker) -> bool {
        match place {
            Some(held) if held.is_admitted.get() => {
                *place = None;
                true
            }
            Some(held) => {
                held.waker.borrow_mut().clone_from(waker);
                false
            }
            None if self.used.get() < TURN && self.waiting.borrow().is_empty() => true,
            None => {
                *place = Some(self.queue_up(waker));
                false
            }
        }
    }

    fn queue_up(&self, waker: &Waker) -> Rc<Place> {
        let place = Rc::new(Place {
            is_admitted: Cell::new(false),
            waker: RefCell::new(waker.clone()),
        });
        self.waiting.borrow_mut().push_back(Rc::downgrade(&place));
        place
    }

    /// A step took so long: there must be a next turn.
    fn count(self: &Rc<Self>, step: Duration) {
        self.used.set(self.used.get().saturating_add(step));
        match self.usher.replace(Usher::AtWork) {
            Usher::None => {
                tokio::task::spawn_local(Shift(Rc::clone(self)).work());
            }
            Usher::Rests(waker) => waker.wake(),
            Usher::AtWork => {}
        }
    }

    /// Begins a turn with the step that has waited longest; whether there was one.
    fn begin_turn(&self) -> bool {
        self.used.set(Duration::ZERO);
        let next = || self.waiting.borrow_mut().pop_front();
        // The places of dials that were given up stay behind.
        let first = std::iter::from_fn(next).find_map(|place| place.upgrade());
        if let Some(place) = &first {
            place.is_admitted.set(true);
            place.waker.borrow().wake_by_ref();
        }
        first.is_some()
    }
}

/// The usher's time at the turnstile. It ends with the runtime; the thread may get another one.
struct Shift(Rc<Turnstile>);

impl Shift {
    /// Begins one turn after the other: each when the runtime has looked for what else is ready, and all of that has run.
    async fn work(self) {
        loop {
            tokio::task::yield_now().await;
            if !self.0.begin_turn() {
                self.rest().await;
            }
        }
    }

    /// Until a step is taken.
    async fn rest(&self) {
        let mut rested = false;
        poll_fn(|cx| {
            let mut usher = self.0.usher.borrow_mut();
            if rested && matches!(*usher, Usher::AtWork) {
                return Poll::Ready(());
            }
            rested = true;
            *usher = Usher::Rests(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Shift {
    fn drop(&mut self) {
        self.0.used.set(Duration::ZERO);
        self.0.waiting.take();
        self.0.usher.take();
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{LocalSet, spawn_local, yield_now};

    use super::*;

    type Log = Rc<RefCell<Vec<char>>>;

    fn run<F: Future>(test: F) -> F::Output {
        heard(Instant::now());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        LocalSet::new().block_on(&runtime, test)
    }

    /// A step that takes longer than a turn.
    fn step(log: &Log) {
        let start = Instant::now();
        while start.elapsed() < 2 * TURN {
            std::hint::spin_loop();
        }
        log.borrow_mut().push('d');
    }

    async fn dial(log: Log) {
        step(&log);
        yield_now().await;
        step(&log);
    }

    #[test]
    fn what_is_ready_has_its_turn_between_two_steps() {
        let log = Log::default();
        run(async {
            let dials: Vec<_> = (0..20)
                .map(|_| spawn_local(ByTurns::new(dial(Rc::clone(&log)))))
                .collect();
            let others = Rc::clone(&log);
            let others = spawn_local(async move {
                loop {
                    others.borrow_mut().push('o');
                    yield_now().await;
                }
            });
            for dial in dials {
                dial.await.unwrap();
            }
            others.abort();
        });
        let log = String::from_iter(&*log.borrow());
        assert_eq!(log.matches('d').count(), 40, "{log}");
        assert!(!log.contains("dd"), "{log}");
    }

    #[test]
    fn who_gives_up_holds_up_nobody() {
        let log = Log::default();
        run(async {
            let mut dials: Vec<_> = (0..9)
                .map(|_| spawn_local(ByTurns::new(dial(Rc::clone(&log)))))
                .collect();
            yield_now().await;
            for given_up in dials.drain(1..8) {
                given_up.abort();
            }
            for dial in dials {
                dial.await.unwrap();
            }
        });
        assert_eq!(log.borrow().len(), 4);
    }

    #[test]
    fn a_thread_that_gets_another_runtime_has_a_turnstile_again() {
        for _ in 0..2 {
            let log = Log::default();
            run(async {
                let first = spawn_local(ByTurns::new(dial(Rc::clone(&log))));
                let second = spawn_local(ByTurns::new(dial(Rc::clone(&log))));
                first.await.unwrap();
                second.await.unwrap();
                // Left behind in the middle.
                let _left = spawn_local(ByTurns::new(dial(Rc::clone(&log))));
                let _waiting = spawn_local(ByTurns::new(dial(Rc::clone(&log))));
                yield_now().await;
            });
            assert!(log.borrow().len() >= 4);
        }
    }
}
