//! Results that names share before their dials: one call at a time for each `[prepare.KEY]`. Its
//! result is kept for a while.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use everwire_proto::{
    core::{cap, delay, later},
    dialogue::Prepared,
    settings::{Backoff, dialogue::SharedPreparation},
};

use crate::{chance, clock, core::Cause, transport::prepared::Generation};

/// The results of all keys.
#[derive(Default)]
pub(super) struct SharedResults(parking_lot::Mutex<HashMap<Box<str>, Arc<Results>>>);

/// The results of one key.
struct Results {
    /// The `[prepare.KEY]` of the results. Another table with the same key has other results.
    of: Weak<SharedPreparation>,
    /// Results up to this generation are no longer used.
    stale: Arc<AtomicU64>,
    /// How many calls have ended. A waiter compares it to see whether a call ended meanwhile.
    ended: AtomicU64,
    /// Locked during a call.
    last: tokio::sync::Mutex<Last>,
}

/// The result of the last call.
#[derive(Default)]
struct Last {
    kept: Option<Kept>,
    /// The generation of the last result; the first is 1.
    generation: u64,
    failed: Option<Failed>,
    /// How many calls in a row have failed.
    failures: u32,
}

struct Kept {
    prepared: Prepared,
    until: Instant,
}

struct Failed {
    cause: Cause,
    /// No other call is made before this time.
    until: Instant,
}

impl SharedResults {
    /// Returns the result of a key: a kept one, or that of `call`. While another call of the key
    /// runs, waits for its result instead.
    ///
    /// # Errors
    ///
    /// The call has failed, or another one failed shortly before.
    pub async fn get(
        &self,
        shared: &Arc<SharedPreparation>,
        call: impl Future<Output = Result<Prepared, Cause>>,
    ) -> Result<(Prepared, Generation), Cause> {
        let results = self.of(shared);
        let ended = results.ended.load(Ordering::Acquire);
        let mut last = results.last.lock().await;
        let now = clock::now();
        // A call that ended during the wait is as good as a new call.
        let has_waited = results.ended.load(Ordering::Acquire) != ended;
        if let Some(kept) = &last.kept
            && (has_waited || now < kept.until)
            && last.generation > results.stale.load(Ordering::Relaxed)
        {
            let generation = Generation::new(last.generation, Arc::clone(&results.stale));
            return Ok((kept.prepared.clone(), generation));
        }
        let failed = last.failed.as_ref();
        if let Some(failed) = failed.filter(|failed| has_waited || now < failed.until) {
            return Err(failed.cause(has_waited, now));
        }
        let called = call.await;
        results.ended.fetch_add(1, Ordering::Release);
        last.end(called, shared.keep).map(|(prepared, number)| {
            (
                prepared,
                Generation::new(number, Arc::clone(&results.stale)),
            )
        })
    }

    fn of(&self, shared: &Arc<SharedPreparation>) -> Arc<Results> {
        let mut all = self.0.lock();
        let known = all.get(&shared.key).filter(|known| {
            let of = known.of.upgrade();
            of.is_some_and(|of| Arc::ptr_eq(&of, shared) || of == *shared)
        });
        if let Some(known) = known {
            return Arc::clone(known);
        }
        // Results of removed settings are dropped.
        all.retain(|_, results| results.of.strong_count() > 0);
        let fresh = Arc::new(Results {
            of: Arc::downgrade(shared),
            stale: Arc::default(),
            ended: AtomicU64::default(),
            last: tokio::sync::Mutex::default(),
        });
        all.insert(shared.key.clone(), Arc::clone(&fresh));
        fresh
    }
}

impl Last {
    /// Records the end of a call.
    fn end(
        &mut self,
        called: Result<Prepared, Cause>,
        keep: Duration,
    ) -> Result<(Prepared, u64), Cause> {
        let now = clock::now();
        match called {
            Ok(prepared) => {
                self.generation += 1;
                (self.failed, self.failures) = (None, 0);
                self.kept = Some(Kept {
                    prepared: prepared.clone(),
                    until: later(now, keep),
                });
                Ok((prepared, self.generation))
            }
            Err(cause) => {
                let until = later(now, self.rest(&cause));
                self.failures = self.failures.saturating_add(1);
                self.failed = Some(Failed {
                    cause: cause.clone(),
                    until,
                });
                Err(cause)
            }
        }
    }

    /// How long no other call is made: as long as a dial would wait.
    fn rest(&self, cause: &Cause) -> Duration {
        let backoff = Backoff::default();
        let random = chance::next_u64();
        match cause {
            Cause::Prepare {
                retry_after: Some(after),
                ..
            } => *after,
            Cause::Prepare {
                is_refusal: true, ..
            } => delay(&backoff, backoff.max, random),
            _ => delay(&backoff, cap(&backoff, self.failures), random),
        }
    }
}

impl Failed {
    /// The cause for a name that makes no call of its own. If it did not wait for the call, the
    /// cause also says when the next call may be made.
    fn cause(&self, has_waited: bool, now: Instant) -> Cause {
        let mut cause = self.cause.clone();
        if let Cause::Prepare {
            text, retry_after, ..
        } = &mut cause
            && !has_waited
        {
            let rest = self.until.saturating_duration_since(now);
            text.push_str("; that was the last call, and the next one is not due yet");
            *retry_after = Some(rest);
        }
        cause
    }
}
