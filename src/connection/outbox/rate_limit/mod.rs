//! How fast the messages of a name go out: a bucket of its own, or one that names share.

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

/// What was written within such a period counts in the next process, too.
const STORED_PERIOD: Duration = Duration::from_secs(60);

/// This part of `messages` may be written without the store being told: it counts them as written from the beginning.
const UNTOLD_PART: u32 = 16;

/// What a rate allows, and whose turn it is. Lives in all names that share it, on any thread.
pub(in crate::connection) struct TokenBucket {
    id: BucketId,
    counts_control: AtomicBool,
    inside: Mutex<Inside>,
    persistence: Persistence,
}

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum BucketId {
    /// That of all names with this key of `[rates]`.
    Shared(Arc<str>),
    Own(ConnectionName),
}

struct Inside {
    settings: RateSettings,
    limiter: RateLimiter<Waker>,
    /// How much was written since the store was told.
    untold: u32,
    /// How much the store counts as written beyond what it was told.
    reserve: u32,
}

/// A message that has to wait for its turn.
#[derive(Debug)]
pub(in crate::connection) struct Waiting {
    ticket: Ticket,
    /// Its places at other buckets that it waits for at once.
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

    /// Counts what earlier processes have written, which the store knows.
    fn recall(&self) {
        if let Some(stored) = self.persistence.recall_rate(&self.id.key()) {
            self.change(|inside, now| {
                let is_idle = inside.limiter.is_idle(now);
                // Behind what was written since, it can only count as new.
                let at = |age| if is_idle { age } else { Duration::ZERO };
                let ages = ages(&stored, Timestamp::now()).map(|(age, count)| (at(age), count));
                if is_stored(&inside.settings) {
                    inside.limiter.restore(ages, now);
                }
            });
        }
    }

    /// Other numbers for what was written, and for what comes.
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

    /// Takes what a message needs, or says until when it has to wait; `before` is what was said before, if it was. The waker is called
    /// when its turn has come nearer.
    pub fn take(self: &Arc<Self>, before: Option<Waiting>, waker: &Waker) -> Result<(), Waiting> {
        let ticket = before.map(|before| before.ticket);
        // That of another bucket, which the name had before, is given back.
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

    /// A message goes out that never waits.
    pub fn spend(&self) {
        self.change(|inside, now| {
            inside.limiter.spend(1, now);
            inside.untold = inside.untold.saturating_add(1);
        });
    }

    /// A control frame goes out, which never waits.
    pub fn spend_for_control(&self) {
        if self.counts_control.load(Ordering::Relaxed) {
            self.spend();
        }
    }

    /// Has the store know what was written: all of it, if nothing more comes (`is_over`).
    fn store(&self, is_over: bool) {
        let mut inside = self.inside.lock();
        self.persist(&mut inside, is_over, clock::now());
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inside, Instant) -> T) -> T {
        let mut inside = self.inside.lock();
        let now = clock::now();
        let result = change(&mut inside, now);
        // The store knows of more than was written, so that a process that is killed leaves no gap. Twice a reserve is told once.
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
    /// That of a name with these settings.
    fn of(name: &ConnectionName, settings: &RateSettings) -> Self {
        match &settings.bucket {
            Some(key) => Self::Shared(Arc::clone(key)),
            None => Self::Own(name.clone()),
        }
    }

    /// Its key in the store. Neither a name nor a key of `[rates]` holds a space.
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

/// How old is what was written. What may have been written after the store was told counts as new; what a clock that was set
/// back has in the future, too.
fn ages(stored: &StoredRate, wall: Timestamp) -> impl Iterator<Item = (Duration, u32)> {
    let age = move |at| Duration::try_from(wall.duration_since(at)).unwrap_or_default();
    let written = stored
        .written
        .iter()
        .map(move |(at, count)| (age(*at), *count));
    let reserve = Some((Duration::ZERO, stored.reserve)).filter(|(_, count)| *count > 0);
    written.chain(reserve)
}
