//! The dial budget of a process: the limiter, with waiting from any thread.

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use parking_lot::Mutex;
use tokio::time::Sleep;

use crate::{
    core::{DialId, DialLimiter, DialOutcome, Owner, OwnerShares},
    settings::{HostSettings, Rate},
};

/// Decides when a dial may begin. Clones share the budget, on all arbiters of the process.
///
/// No task runs for it. While only time can admit the next dial, one of the waiting dials holds the
/// timer. When that dial is granted or dropped, it passes the timer on. So the end of one runtime
/// does not leave the others waiting.
#[derive(Clone)]
pub(crate) struct DialBudget(Arc<Mutex<Budget>>);

/// The permission to dial. Dropping it gives the handshake's place back, as for an abandoned
/// handshake.
#[must_use = "the place is given back when this is dropped"]
pub(crate) struct Permit {
    budget: DialBudget,
    id: DialId,
    outcome: DialOutcome,
}

impl Permit {
    /// Reports the end of the handshake. The next turn of the host depends on whether the handshake
    /// was accepted and on how long it took.
    pub(crate) fn finish(mut self, accepted: bool) {
        self.outcome = match accepted {
            true => DialOutcome::Answered,
            false => DialOutcome::Failed,
        };
    }
}

struct Budget {
    limiter: DialLimiter,
    /// Wakers of the waiting dials that were polled, by the number of the dial.
    wakers: Vec<Option<Waker>>,
    timekeeper: Option<Timekeeper>,
}

/// The waiting dial that wakes when time admits the next dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timekeeper {
    id: DialId,
    until: Instant,
}

impl DialBudget {
    /// A budget with these limits; see [`DialLimiter::new`].
    pub(crate) fn new(
        max_handshakes: NonZeroU32,
        dial_rate: Rate,
        hosts: BTreeMap<String, HostSettings>,
    ) -> Self {
        Self(Arc::new(Mutex::new(Budget {
            limiter: DialLimiter::new(max_handshakes, dial_rate, hosts),
            wakers: Vec::new(),
            timekeeper: None,
        })))
    }

    /// Sets the shares of the owners, for new and for waiting dials; see
    /// [`DialLimiter::set_shares`].
    pub(crate) fn set_shares(&self, shares: OwnerShares) {
        self.change(|budget, now| budget.limiter.set_shares(shares, now));
    }

    /// Waits until an owner may dial `host`, written as `host:port`. Dropping the future gives up
    /// the place in the queue.
    pub(crate) fn acquire(
        &self,
        host: &str,
        owner: Option<&Owner>,
    ) -> impl Future<Output = Permit> + use<> {
        let id = self.change(|budget, now| budget.limiter.request(host, owner, now));
        // From here on, the place is given back however this ends.
        let permit = Permit {
            budget: self.clone(),
            id,
            outcome: DialOutcome::Abandoned,
        };
        async move {
            let mut timer = None;
            poll_fn(|cx| permit.budget.poll_granted(id, &mut timer, cx)).await;
            permit
        }
    }

    fn poll_granted(
        &self,
        id: DialId,
        timer: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let Some(until) = self.0.lock().check(id, cx) else {
                return Poll::Ready(());
            };
            let Some(until) = until else {
                *timer = None;
                return Poll::Pending;
            };
            let until = until.into();
            // Boxed: thousands of dials may wait, and only one of them holds the timer.
            let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
            if timer.deadline() != until {
                timer.as_mut().reset(until);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.change(|_, _| ());
        }
    }

    /// Changes the budget. Wakes the affected dials after the lock was released.
    fn change<T>(&self, f: impl FnOnce(&mut Budget, Instant) -> T) -> T {
        let mut budget = self.0.lock();
        // Read under the lock, so that the limiter never sees time go back.
        let now = tokio::time::Instant::now().into_std();
        let result = f(&mut budget, now);
        let woken = budget.grant_ready(now);
        drop(budget);
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (id, outcome) = (self.id, self.outcome);
        self.budget
            .change(|budget, now| budget.end(id, outcome, now));
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.id).finish()
    }
}

impl Budget {
    /// `None` if the dial was granted. Otherwise the time until which it holds the timer, if it
    /// does.
    fn check(&mut self, id: DialId, cx: &Context<'_>) -> Option<Option<Instant>> {
        if !self.limiter.is_waiting(id) {
            return None;
        }
        let number = id.number();
        if self.wakers.len() <= number {
            self.wakers.resize(number + 1, None);
        }
        match &mut self.wakers[number] {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        let keeper = self.timekeeper.filter(|keeper| keeper.id == id);
        Some(keeper.map(|keeper| keeper.until))
    }

    /// Ends a dial. Its number may then be given to another dial.
    fn end(&mut self, id: DialId, outcome: DialOutcome, now: Instant) {
        drop(self.take_waker(id));
        if self.timekeeper.is_some_and(|keeper| keeper.id == id) {
            self.timekeeper = None;
        }
        self.limiter.end(id, outcome, now);
        if self.limiter.is_idle() {
            self.wakers = Vec::new();
        }
    }

    /// Grants all dials that can be granted, and makes sure that one waiting dial holds the timer.
    /// Returns the wakers to call.
    fn grant_ready(&mut self, now: Instant) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(id) = self.limiter.grant(now) {
            woken.extend(self.take_waker(id));
        }
        let next = self.limiter.next(now);
        let before = self.timekeeper;
        // A dial that holds the timer keeps it while it waits.
        let keeper = before.filter(|keeper| self.limiter.is_waiting(keeper.id));
        self.timekeeper = next.map(|(until, id)| Timekeeper {
            id: keeper.map_or(id, |keeper| keeper.id),
            until,
        });
        if self.timekeeper != before {
            // A dial that was never polled finds out with its first poll.
            let told = self.timekeeper.or(keeper);
            woken.extend(told.and_then(|told| self.wakers.get(told.id.number())?.clone()));
        }
        woken
    }

    fn take_waker(&mut self, id: DialId) -> Option<Waker> {
        self.wakers.get_mut(id.number())?.take()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            atomic::{AtomicU32, Ordering},
            mpsc,
        },
        time::Duration,
    };

    use futures::{FutureExt, future::join_all};

    use super::*;

    fn budget(max: u32, dial_rate: Rate) -> DialBudget {
        DialBudget::new(NonZeroU32::new(max).unwrap(), dial_rate, BTreeMap::new())
    }

    fn rate(count: u32, per: Duration) -> Rate {
        let count = NonZeroU32::new(count).unwrap();
        Rate::Limited { count, per }
    }

    const SECOND: Duration = Duration::from_secs(1);

    impl DialBudget {
        fn is_idle(&self) -> bool {
            let budget = self.0.lock();
            budget.limiter.is_idle() && budget.wakers.is_empty() && budget.timekeeper.is_none()
        }
    }

    #[tokio::test]
    async fn a_dropped_permit_admits_the_next() {
        let budget = budget(1, Rate::Unlimited);
        let first = budget.acquire("a:1", None).await;
        let mut second = pin!(budget.acquire("a:1", None));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        drop(second.await);
        assert!(budget.is_idle());
    }

    #[tokio::test]
    async fn a_dropped_wait_gives_its_place_up_granted_or_not() {
        let budget = budget(1, Rate::Unlimited);
        let first = budget.acquire("a:1", None).await;
        let mut dropped_waiting = Box::pin(budget.acquire("a:1", None));
        let mut dropped_granted = Box::pin(budget.acquire("a:1", None));
        let mut last = pin!(budget.acquire("a:1", None));
        assert!((&mut dropped_waiting).now_or_never().is_none());
        assert!((&mut dropped_granted).now_or_never().is_none());
        assert!((&mut last).now_or_never().is_none());
        drop(dropped_waiting);
        drop(first);
        drop(dropped_granted);
        drop(last.await);
        assert!(budget.is_idle());
    }

    #[tokio::test]
    async fn a_share_is_given_back_by_those_who_give_up_fail_or_panic() {
        let budget = budget(4, Rate::Unlimited);
        let acme = Owner::new("acme");
        budget.set_shares(OwnerShares::of_tokens([(acme.clone(), false)]));
        let acquire = |host: &str| budget.acquire(host, Some(&acme));
        // Of two places a host of which nothing is known leaves one.
        for end in 0..5 {
            let held = acquire("a:1").await;
            let mut next = Box::pin(acquire("b:1"));
            assert!((&mut next).now_or_never().is_none());
            match end {
                0 => drop(held),
                1 => held.finish(false),
                2 => {
                    // It waits no more.
                    next = Box::pin(acquire("c:1"));
                    drop(held);
                }
                3 => {
                    let dial = tokio::spawn(async move {
                        let _held = held;
                        panic!("within a handshake");
                    });
                    assert!(dial.await.unwrap_err().is_panic());
                }
                _ => {
                    let dial = tokio::spawn(async move {
                        let _held = held;
                        std::future::pending::<()>().await;
                    });
                    dial.abort();
                    assert!(dial.await.unwrap_err().is_cancelled());
                }
            }
            drop(next.await);
        }
        assert!(budget.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_kept_to_the_millisecond_by_one_of_those_who_wait() {
        let budget = budget(64, rate(2, SECOND));
        let start = tokio::time::Instant::now();
        let dials = (0..7).map(|_| async {
            drop(budget.acquire("a:1", None).await);
            start.elapsed().as_secs_f64().round() as u32
        });
        assert_eq!(join_all(dials).await, [0, 0, 1, 1, 2, 2, 3]);
        assert!(budget.is_idle());
    }

    #[tokio::test(start_paused = true)]
    async fn the_timer_is_handed_on_when_its_keeper_goes() {
        let budget = budget(64, rate(1, SECOND));
        drop(budget.acquire("a:1", None).await);
        let mut keeper = Box::pin(budget.acquire("a:1", None));
        assert!((&mut keeper).now_or_never().is_none());
        let other = tokio::spawn({
            let budget = budget.clone();
            async move { drop(budget.acquire("a:1", None).await) }
        });
        tokio::task::yield_now().await;
        drop(keeper);
        tokio::time::timeout(SECOND * 2, other)
            .await
            .unwrap()
            .unwrap();
    }

    #[test]
    fn the_end_of_the_runtime_that_kept_the_time_stops_nobody() {
        let budget = budget(64, rate(1, Duration::from_millis(50)));
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
        };
        let (first, second) = (runtime(), runtime());
        let waiting = || {
            let budget = budget.clone();
            async move { drop(budget.acquire("a:1", None).await) }
        };
        first.block_on(async {
            waiting().await;
            tokio::spawn(waiting());
            tokio::task::yield_now().await;
        });
        assert!(budget.0.lock().timekeeper.is_some());
        let other = second.spawn(waiting());
        second.block_on(tokio::task::yield_now());
        drop(first);
        second.block_on(async {
            tokio::time::timeout(SECOND * 5, other)
                .await
                .unwrap()
                .unwrap();
        });
        assert!(budget.is_idle());
    }

    #[test]
    fn many_threads_share_one_budget() {
        let budget = budget(3, rate(200, Duration::from_millis(20)));
        let flying = AtomicU32::new(0);
        let (done, results) = mpsc::channel();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (budget, flying, done) = (&budget, &flying, done.clone());
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    runtime.unwrap().block_on(async {
                        let dials = (0..250).map(|i| async move {
                            let host = format!("h{}:{thread}", i % 5);
                            let _permit = budget.acquire(&host, None).await;
                            assert!(flying.fetch_add(1, Ordering::SeqCst) < 3);
                            tokio::task::yield_now().await;
                            flying.fetch_sub(1, Ordering::SeqCst);
                        });
                        join_all(dials).await;
                    });
                    done.send(()).unwrap();
                });
            }
        });
        assert_eq!(results.try_iter().count(), 4);
        assert!(budget.is_idle());
    }

    #[test]
    fn an_admitted_dial_needs_no_runtime() {
        let budget = budget(1, Rate::Unlimited);
        assert!(budget.acquire("a:1", None).now_or_never().is_some());
    }
}
