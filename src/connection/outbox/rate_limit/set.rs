//! Several buckets at once: a message waits for all of them, and takes from none meanwhile.

use std::{sync::Arc, task::Waker, time::Instant};

use parking_lot::MutexGuard;

use super::{Inside, Ticket, TokenBucket, Waiting, is_stored};
use crate::{clock, core::Free};

/// The buckets that a message waits for: one, or several at once.
#[derive(Clone, Debug)]
pub(in crate::connection) struct BucketSet(Box<[Arc<TokenBucket>]>);

impl BucketSet {
    /// `None`: there are none to wait for.
    pub fn of(buckets: impl IntoIterator<Item = Arc<TokenBucket>>) -> Option<Box<Self>> {
        let mut buckets: Vec<_> = buckets.into_iter().collect();
        // A fixed lock order, which prevents deadlocks.
        buckets.sort_by_key(|bucket| Arc::as_ptr(bucket).addr());
        buckets.dedup_by(|a, b| Arc::ptr_eq(a, b));
        (!buckets.is_empty()).then(|| Box::new(Self(buckets.into())))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<TokenBucket>> {
        self.0.iter()
    }

    /// Takes a token of each bucket for a message, or says how long to wait; `before` is the
    /// previous answer, if any. The waker is called when the turn of the message comes nearer.
    #[inline]
    pub fn take(&self, before: Option<Waiting>, waker: &Waker) -> Result<(), Waiting> {
        match &*self.0 {
            [only] => only.take(before, waker),
            all => take_all(all, before, waker),
        }
    }

    /// Counts a message that never waits.
    pub fn spend(&self) {
        self.0.iter().for_each(|bucket| bucket.spend());
    }

    /// Counts a control frame, which never waits.
    pub fn spend_for_control(&self) {
        self.0.iter().for_each(|bucket| bucket.spend_for_control());
    }
}

/// All buckets are locked together: a message takes from each, or from none. It queues at the
/// bucket that is free last. At the others it keeps its place, and lets everybody pass.
fn take_all(
    buckets: &[Arc<TokenBucket>],
    before: Option<Waiting>,
    waker: &Waker,
) -> Result<(), Waiting> {
    let turns = turns(buckets, before);
    let mut insides: Vec<_> = buckets.iter().map(|bucket| bucket.inside.lock()).collect();
    let now = clock::now();
    let asked: Vec<Result<Free, Option<Instant>>> = insides
        .iter_mut()
        .zip(&turns)
        .map(|(inside, turn)| inside.limiter.ask(*turn, now))
        .collect();
    // Buckets without a time have an unknown delay.
    let last = |(_, asked): &(usize, &Result<Free, Option<Instant>>)| match asked {
        Ok(_) => None,
        Err(until) => Some((until.is_none(), *until)),
    };
    let last = asked.iter().enumerate().max_by_key(last);
    let waits = last.and_then(|(at, asked)| Some((at, *asked.as_ref().err()?)));
    let mut tickets = Vec::new();
    for (at, ((inside, asked), turn)) in insides.iter_mut().zip(&asked).zip(turns).enumerate() {
        let limiter = &mut inside.limiter;
        let turn = match (waits, asked) {
            (None, Ok(free)) => {
                limiter.take_free(*free, now);
                inside.untold += 1;
                continue;
            }
            (Some((last, _)), _) if last == at => limiter.wait(turn, waker, now),
            _ => limiter.wait_aside(turn, waker, now),
        };
        tickets.push(Ticket {
            bucket: Arc::clone(&buckets[at]),
            turn: Some(turn),
        });
    }
    let woken = unlock(buckets, insides, now);
    woken.into_iter().for_each(Waker::wake);
    match (waits, tickets.pop()) {
        (Some((_, until)), Some(ticket)) => Err(Waiting {
            ticket,
            others: tickets,
            until,
        }),
        _ => Ok(()),
    }
}

/// The earlier tickets. Those of other buckets are given back.
fn turns(buckets: &[Arc<TokenBucket>], before: Option<Waiting>) -> Vec<Option<crate::core::Turn>> {
    let mut tickets: Vec<Ticket> = before.into_iter().flat_map(Waiting::into_tickets).collect();
    let mut turn = |bucket: &Arc<TokenBucket>| {
        let mut tickets = tickets.iter_mut();
        let ticket = tickets.find(|ticket| Arc::ptr_eq(&ticket.bucket, bucket))?;
        ticket.turn.take()
    };
    buckets.iter().map(&mut turn).collect()
}

/// Updates the store, and returns the wakers: calling them under the lock would make the woken
/// tasks wait for it.
fn unlock(
    buckets: &[Arc<TokenBucket>],
    insides: Vec<MutexGuard<'_, Inside>>,
    now: Instant,
) -> Vec<Waker> {
    let mut woken = Vec::new();
    for (bucket, mut inside) in buckets.iter().zip(insides) {
        if is_stored(&inside.settings) && inside.untold > inside.reserve / 2 {
            bucket.persist(&mut inside, false, now);
        }
        woken.extend(inside.limiter.take_woken());
    }
    woken
}
