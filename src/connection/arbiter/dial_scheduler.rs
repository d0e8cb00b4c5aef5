//! Schedules the dials of an arbiter: only a few steps run at a time, so that an incoming message
//! never waits for all of them.
//!
//! A step takes tens of microseconds, mostly in the kernel. When hundreds of names lose their
//! sockets together, their steps come together, too, and a message that is read after them would be
//! late by their sum.

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

/// After steps have taken this long, everything else that is ready runs first.
const TURN: Duration = Duration::from_micros(60);

/// Dials give way for this long after the last message on this thread. Without messages they need
/// not: turns cost a dial a twentieth of its time.
const LIVELY: Duration = Duration::from_secs(1);

thread_local! {
    static SCHEDULER: Rc<DialScheduler> = Rc::default();
    static HEARD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Notes that a message has come on a socket of this thread.
pub(in crate::connection) fn heard(now: Instant) {
    HEARD.set(Some(now));
}

/// Whether messages come on this thread.
fn is_lively(now: Instant) -> bool {
    let heard = HEARD.get();
    heard.is_some_and(|heard| now.saturating_duration_since(heard) < LIVELY)
}

/// A dial whose steps are scheduled by the thread that polls it.
pub(in crate::connection) struct Scheduled<F> {
    dial: Pin<Box<F>>,
    /// Held while a step waits.
    slot: Option<Rc<Slot>>,
}

/// A place in the queue.
#[derive(Debug)]
struct Slot {
    is_admitted: Cell<bool>,
    waker: RefCell<Waker>,
}

#[derive(Default)]
struct DialScheduler {
    /// How long the steps of this turn took.
    used: Cell<Duration>,
    waiting: RefCell<VecDeque<Weak<Slot>>>,
    ticker: RefCell<Ticker>,
}

/// The state of the ticker task, which begins turns.
#[derive(Default)]
enum Ticker {
    #[default]
    None,
    /// Sleeps until a step is taken.
    Rests(Waker),
    AtWork,
}

impl<F: Future> Scheduled<F> {
    /// Schedules the steps of this dial.
    pub fn new(dial: F) -> Self {
        Self {
            dial: Box::pin(dial),
            slot: None,
        }
    }
}

impl<F: Future> Future for Scheduled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let start = clock::now();
        if self.slot.is_none() && !is_lively(start) {
            return self.dial.as_mut().poll(cx);
        }
        let scheduler = SCHEDULER.with(Rc::clone);
        if !scheduler.admits(&mut self.slot, cx.waker()) {
            return Poll::Pending;
        }
        let polled = self.dial.as_mut().poll(cx);
        scheduler.count(clock::now().saturating_duration_since(start));
        polled
    }
}

impl DialScheduler {
    /// Whether a step may run now. If not, it gets a slot, and the waker is called when it may.
    fn admits(&self, slot: &mut Option<Rc<Slot>>, waker: &Waker) -> bool {
        match slot {
            Some(held) if held.is_admitted.get() => {
                *slot = None;
                true
            }
            Some(held) => {
                held.waker.borrow_mut().clone_from(waker);
                false
            }
            None if self.used.get() < TURN && self.waiting.borrow().is_empty() => true,
            None => {
                *slot = Some(self.queue_up(waker));
                false
            }
        }
    }

    fn queue_up(&self, waker: &Waker) -> Rc<Slot> {
        let slot = Rc::new(Slot {
            is_admitted: Cell::new(false),
            waker: RefCell::new(waker.clone()),
        });
        self.waiting.borrow_mut().push_back(Rc::downgrade(&slot));
        slot
    }

    /// Counts a step's time; a next turn is then needed.
    fn count(self: &Rc<Self>, step: Duration) {
        self.used.set(self.used.get().saturating_add(step));
        match self.ticker.replace(Ticker::AtWork) {
            Ticker::None => {
                tokio::task::spawn_local(TickerTask(Rc::clone(self)).work());
            }
            Ticker::Rests(waker) => waker.wake(),
            Ticker::AtWork => {}
        }
    }

    /// Begins a turn with the step that has waited longest; `false` if there is none.
    fn begin_turn(&self) -> bool {
        self.used.set(Duration::ZERO);
        let next = || self.waiting.borrow_mut().pop_front();
        // Slots of dropped dials stay in the queue.
        let first = std::iter::from_fn(next).find_map(|slot| slot.upgrade());
        if let Some(slot) = &first {
            slot.is_admitted.set(true);
            slot.waker.borrow().wake_by_ref();
        }
        first.is_some()
    }
}

/// The task that begins the turns. It ends with the runtime; the thread may get another one.
struct TickerTask(Rc<DialScheduler>);

impl TickerTask {
    /// Runs one turn after the other: each after the runtime has polled for other work, and that
    /// work has run.
    async fn work(self) {
        loop {
            tokio::task::yield_now().await;
            if !self.0.begin_turn() {
                self.rest().await;
            }
        }
    }

    /// Waits until a step is taken.
    async fn rest(&self) {
        let mut rested = false;
        poll_fn(|cx| {
            let mut ticker = self.0.ticker.borrow_mut();
            if rested && matches!(*ticker, Ticker::AtWork) {
                return Poll::Ready(());
            }
            rested = true;
            *ticker = Ticker::Rests(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

impl Drop for TickerTask {
    fn drop(&mut self) {
        self.0.used.set(Duration::ZERO);
        self.0.waiting.take();
        self.0.ticker.take();
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
                .map(|_| spawn_local(Scheduled::new(dial(Rc::clone(&log)))))
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
                .map(|_| spawn_local(Scheduled::new(dial(Rc::clone(&log)))))
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
    fn a_thread_that_gets_another_runtime_has_a_scheduler_again() {
        for _ in 0..2 {
            let log = Log::default();
            run(async {
                let first = spawn_local(Scheduled::new(dial(Rc::clone(&log))));
                let second = spawn_local(Scheduled::new(dial(Rc::clone(&log))));
                first.await.unwrap();
                second.await.unwrap();
                // Dropped in the middle.
                let _left = spawn_local(Scheduled::new(dial(Rc::clone(&log))));
                let _waiting = spawn_local(Scheduled::new(dial(Rc::clone(&log))));
                yield_now().await;
            });
            assert!(log.borrow().len() >= 4);
        }
    }
}
