//! The rate limit of a name: a token bucket of its own, or one that names share.

mod registry;
mod set;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

pub(crate) use self::registry::TokenBuckets;
pub(in crate::connection) use self::set::BucketSet;
use crate::{
    clock,
    core::{ConnectionName, RateLimiter, Turn, Wait},
    persistence::{Order, Persistence},
    settings::RateSettings,
    stored::StoredRate,
};

/// A rate with a period of at least this also counts what earlier processes have written.
const STORED_PERIOD: Duration = Duration::from_secs(60);

/// The part of `messages` that may be written before the store is updated: the store counts it as
/// written in advance.
const UNTOLD_PART: u32 = 16;

/// The bucket of a rate, and the queue for it. All names that share it hold it, on any thread.
pub(in crate::connection) struct TokenBucket {
    id: BucketId,
    counts_control: AtomicBool,
    inside: Mutex<Inside>,
    persistence: Persistence,
}

/// The owner of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum BucketId {
    /// All names with this key of `[rates]`.
    Shared(Arc<str>),
    Own(ConnectionName),
}

struct Inside {
    settings: RateSettings,
    limiter: RateLimiter<Waker>,
    /// How much was written since the store was updated.
    untold: u32,
    /// How much the store counts as written in advance.
    reserve: u32,
}

/// A message that waits for its turn.
#[derive(Debug)]
pub(in crate::connection) struct Waiting {
    ticket: Ticket,
    /// Its tickets at the other buckets that it waits for.
    others: Vec<Ticket>,
    until: Option<Instant>,
}

/// A place in the queue of a bucket. Dropping it leaves the queue, and wakes the next one.
#[derive(Debug)]
struct Ticket {
    bucket: Arc<TokenBucket>,
    turn: Option<Turn>,
}

impl TokenBucket {
    fn new(id: BucketId, settings: &RateSettings, persistence: Persistence) -> Self {
        let mut limiter = RateLimiter::new(settings, clock::now());
        if is_stored(settings)
            && let Some(stored) = persistence.recall_rate(&id.key())
        {
            limiter.restore(ages(&stored, Timestamp::now()), clock::now());
        }
        Self {
            id,
            counts_control: AtomicBool::new(settings.control),
            inside: Mutex::new(Inside {
                settings: settings.clone(),
                limiter,
                untold: 0,
                reserve: 0,
            }),
            persistence,
        }
    }

    /// Counts what earlier processes have written, as the store has it.
    fn recall(&self) {
        if let Some(stored) = self.persistence.recall_rate(&self.id.key()) {
            self.change(|inside, now| {
                let is_idle = inside.limiter.is_idle(now);
                // After newer writes it can only count as new.
                let at = |age| if is_idle { age } else { Duration::ZERO };
                let ages = ages(&stored, Timestamp::now()).map(|(age, count)| (at(age), count));
                if is_stored(&inside.settings) {
                    inside.limiter.restore(ages, now);
                }
            });
        }
    }

    /// Changes the settings for past and future writes.
    fn set_settings(&self, settings: &RateSettings) {
        self.counts_control
            .store(settings.control, Ordering::Relaxed);
        self.change(|inside, _| {
            if inside.settings != *settings {
                inside.settings = settings.clone();
                inside.limiter.set_limits(settings);
            }
        });
    }

    /// Takes a token for a message, or says how long to wait; `before` is the previous answer, if
    /// any. The waker is called when the turn of the message comes nearer.
    pub fn take(self: &Arc<Self>, before: Option<Waiting>, waker: &Waker) -> Result<(), Waiting> {
        let ticket = before.map(|before| before.ticket);
        // A ticket of a previous bucket of the name is given back.
        let mut ticket = ticket.filter(|ticket| Arc::ptr_eq(&ticket.bucket, self));
        let turn = ticket.as_mut().and_then(|ticket| ticket.turn.take());
        let taken = self.change(|inside, now| {
            let taken = inside.limiter.take(turn, waker, now);
            inside.untold += u32::from(taken.is_ok());
            taken
        });
        taken.map_err(|Wait { turn, until }| Waiting {
            ticket: Ticket {
                bucket: Arc::clone(self),
                turn: Some(turn),
            },
            others: Vec::new(),
            until,
        })
    }

    /// Counts a message that never waits.
    pub fn spend(&self) {
        self.change(|inside, now| {
            inside.limiter.spend(1, now);
            inside.untold = inside.untold.saturating_add(1);
        });
    }

    /// Counts a control frame, which never waits.
    pub fn spend_for_control(&self) {
        if self.counts_control.load(Ordering::Relaxed) {
            self.spend();
        }
    }

    /// Updates the store. `is_over`: nothing more will be written, so it gets the exact number.
    fn store(&self, is_over: bool) {
        let mut inside = self.inside.lock();
        self.persist(&mut inside, is_over, clock::now());
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inside, Instant) -> T) -> T {
        let mut inside = self.inside.lock();
        let now = clock::now();
        let result = change(&mut inside, now);
        // The store counts more than was written, so that a killed process leaves no gap. It is
        // updated at half of the reserve.
        if is_stored(&inside.settings) && inside.untold > inside.reserve / 2 {
            self.persist(&mut inside, false, now);
        }
        let woken = inside.limiter.take_woken();
        drop(inside);
        woken.into_iter().for_each(Waker::wake);
        result
    }

    fn persist(&self, inside: &mut Inside, is_over: bool, now: Instant) {
        if !is_stored(&inside.settings) {
            return;
        }
        inside.untold = 0;
        inside.reserve = match is_over {
            true => 0,
            false => inside.settings.messages.get() / UNTOLD_PART,
        };
        let wall = Timestamp::now();
        let at = |age| {
            let at = SignedDuration::try_from(age).map(|age| wall.checked_sub(age));
            at.ok().and_then(Result::ok).unwrap_or(wall)
        };
        let written = inside.limiter.written(now);
        let stored = StoredRate {
            per: inside.settings.per,
            reserve: inside.reserve,
            written: written.map(|(age, count)| (at(age), count)).collect(),
        };
        let order = Order::Rate(self.id.key(), Some(stored));
        self.persistence.order(order);
    }

    /// Whether nothing that was written counts any more.
    fn is_idle(&self) -> bool {
        self.inside.lock().limiter.is_idle(clock::now())
    }
}

impl BucketId {
    /// The bucket owner of a name with these settings.
    fn of(name: &ConnectionName, settings: &RateSettings) -> Self {
        match &settings.bucket {
            Some(key) => Self::Shared(Arc::clone(key)),
            None => Self::Own(name.clone()),
        }
    }

    /// The key in the store. Neither a name nor a key of `[rates]` contains a space.
    fn key(&self) -> String {
        match self {
            Self::Shared(key) => format!("shared {key}"),
            Self::Own(name) => format!("own {name}"),
        }
    }
}

impl Waiting {
    fn into_tickets(self) -> impl Iterator<Item = Ticket> {
        std::iter::once(self.ticket).chain(self.others)
    }

    /// When to ask again; `None`: when the waker is called.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            self.bucket
                .change(|inside, now| inside.limiter.leave(turn, now));
        }
    }
}

impl fmt::Debug for TokenBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenBucket({:?})", self.id)
    }
}

fn is_stored(settings: &RateSettings) -> bool {
    settings.per >= STORED_PERIOD
}

/// The ages of stored writes. Writes that may have happened after the store was updated count as
/// new, and so do writes in the future of a clock that was set back.
fn ages(stored: &StoredRate, wall: Timestamp) -> impl Iterator<Item = (Duration, u32)> {
    let age = move |at| Duration::try_from(wall.duration_since(at)).unwrap_or_default();
    let written = stored
        .written
        .iter()
        .map(move |(at, count)| (age(*at), *count));
    let reserve = Some((Duration::ZERO, stored.reserve)).filter(|(_, count)| *count > 0);
    written.chain(reserve)
}
