//! The outbox of a name as handles, receipts and the actor share it, on whatever thread they are.

mod fate;
mod kept;
mod memory;
mod once;
mod persist;
mod receipt;
mod rest;
mod wishes;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio::sync::oneshot;

pub use self::{once::SendOnceError, receipt::Receipt};
use super::{age::OutboxAge, kept_captures::KeptCaptures, wishes::Wishes};
use crate::{
    clock,
    core::{
        ConnectionName, Fate, IdEpochs, IdempotencyKeys, Keyed, Message, Outbox, Owner, Rejected,
    },
    hub::{HasHistory, History},
    memory::Charge,
    persistence::Persistence,
};

/// The outbox behind its lock, the waker of the actor, what must outlive even the actor, and those who wait for a fate.
#[derive(Debug)]
pub(crate) struct SharedOutbox {
    name: ConnectionName,
    /// Whose the name is. A lock of its own: who tells of the name asks, wherever it is told.
    owner: RwLock<Option<Owner>>,
    locked: Mutex<Locked>,
    /// What the name said last.
    history: History,
    /// Whether persistence was told that the history has grown.
    history_waits: AtomicBool,
    /// Whether what came in is acknowledged once it is stored, and something waits for that.
    acknowledges: AtomicBool,
    /// Whether the actor is in the middle of a turn, and will look at the outbox before it rests. It falls under the lock alone:
    /// who reads `true` there comes before that look. Who misses that it has risen wakes the actor for nothing.
    at_work: AtomicBool,
    /// Whether something has changed that the actor has not looked at. It is read without the lock, see [`rest`](Self::rest).
    touched: AtomicBool,
    /// Writes durable messages down.
    persistence: Persistence,
    /// What callers want of subscriptions. A lock of its own: who sends has nothing to do with it.
    wishes: Mutex<Wishes>,
    /// Whether they have changed without the actor, which has not looked at them since.
    wishes_changed: AtomicBool,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Locked {
    pub outbox: Outbox,
    /// In which epochs the outbox has given its ids.
    ids: IdEpochs,
    /// Up to which of them the store knows that.
    stored_epoch: u32,
    /// The messages that their senders may repeat.
    keys: Option<Box<IdempotencyKeys>>,
    /// Messages that were evicted, and not yet told.
    pub evicted: u64,
    /// `Connect`'s data, sent again whenever a socket opens.
    pub connect_data: Option<Box<Message>>,
    /// Whether the name was connected by hand: one that is not `enabled` stays wanted over a death of its actor.
    pub wanted: bool,
    /// Left by the actor when it has nothing to do, and good until somebody wakes it.
    waker: Option<Waker>,
    waiters: Vec<Waiter>,
    /// The last id whose confirmation somebody waits for.
    confirm_through: u64,
    /// Whether persistence was called, and has not come yet.
    persistence_called: bool,
    /// Why the store cannot write, not told yet.
    pub store_error: Option<Box<str>>,
    /// It was told that the store cannot write though something waits for it that is no message of the outbox.
    told_failing: bool,
    /// The captures that outlive the process. Boxed: few names have any.
    kept: Option<Box<KeptCaptures>>,
    age: OutboxAge,
    /// The memory of all that.
    charge: Charge,
    /// How much of it is not used yet, in bytes, as far as messages know that were accepted since it was counted.
    left: usize,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    wanted: Fate,
    answer: oneshot::Sender<Fate>,
}

impl SharedOutbox {
    pub fn new(
        name: ConnectionName,
        outbox: Outbox,
        persistence: Persistence,
        charge: Charge,
    ) -> Arc<Self> {
        let mut locked = Locked {
            outbox,
            ids: IdEpochs::new(1),
            stored_epoch: 0,
            keys: None,
            evicted: 0,
            connect_data: None,
            wanted: false,
            waker: None,
            waiters: Vec::new(),
            confirm_through: 0,
            persistence_called: false,
            store_error: None,
            told_failing: false,
            kept: None,
            age: OutboxAge::default(),
            charge,
            left: 0,
        };
        locked.count_memory();
        Arc::new(Self {
            name,
            owner: RwLock::default(),
            locked: Mutex::new(locked),
            history: History::new(),
            history_waits: AtomicBool::new(false),
            acknowledges: AtomicBool::new(false),
            at_work: AtomicBool::new(false),
            touched: AtomicBool::new(true),
            persistence,
            wishes: Mutex::default(),
            wishes_changed: AtomicBool::new(false),
        })
    }

    /// Whose the name is, if anybody's.
    pub fn owner(&self) -> Option<Owner> {
        self.owner.read().clone()
    }

    /// Whether the name is this owner's.
    pub fn belongs_to(&self, owner: &Owner) -> bool {
        self.owner.read().as_ref() == Some(owner)
    }

    /// The name has this owner from now on.
    pub fn give_to(&self, owner: Option<Owner>) {
        *self.owner.write() = owner;
    }

    /// What the name said last.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Nothing is accepted until [`release`](Self::release): what the name has left in the store is not known. The actor tells why.
    pub fn hold(&self, why: &str) {
        let mut locked = self.locked.lock();
        locked.outbox.hold();
        self.touch();
        locked.store_error = Some(why.into());
    }

    /// What the store has of the name is known.
    pub fn release(&self) {
        self.locked.lock().outbox.release();
    }

    /// What the store has of the name does not matter any more: nothing is stored from now on. Nothing where it is not held.
    pub fn forgo_store(&self) {
        self.locked.lock().outbox.forgo_store();
    }

    /// Whether it is [held](Self::hold).
    pub fn is_held(&self) -> bool {
        self.locked.lock().outbox.is_held()
    }

    /// When messages were accepted that an earlier process has left, in the order of their ids.
    pub fn accepted_at(&self, times: impl IntoIterator<Item = (u64, Instant)>) {
        let age = &mut self.locked.lock().age;
        times.into_iter().for_each(|(id, at)| age.mark(id, at));
    }

    /// What earlier processes have left of the outbox's ids, and of the keys of its messages.
    pub fn restore(&self, ids: Option<IdEpochs>, keys: Vec<Keyed>) {
        let mut locked = self.locked.lock();
        if let Some(ids) = ids {
            locked.stored_epoch = ids.current();
            locked.ids = ids;
        }
        if !keys.is_empty() {
            let known = locked.keys.get_or_insert_default();
            known.restore(keys, clock::now());
        }
    }

    /// The name has another life: ids are of this epoch from now on.
    pub fn begin_epoch(&self, epoch: u32) {
        let mut locked = self.locked.lock();
        if locked.ids.current() != epoch {
            let next = locked.outbox.last_id() + 1;
            locked.ids.begin(epoch, next);
        }
    }

    /// The epoch of the ids that are given now.
    pub fn epoch(&self) -> u32 {
        self.locked.lock().ids.current()
    }

    /// Whether messages that came in are acknowledged once they are stored, and some wait for that.
    pub fn set_acknowledges(&self, acknowledges: bool) {
        self.acknowledges.store(acknowledges, Ordering::Relaxed);
    }

    /// Has persistence know that there is something to lose.
    pub fn call_persistence(self: &Arc<Self>) {
        let source: Arc<Self> = Arc::clone(self);
        self.persistence.call(source);
    }

    /// There is something to write down that is to outlive the process.
    pub fn history_grew(self: &Arc<Self>) {
        if !self.history_waits.swap(true, Ordering::AcqRel) {
            self.call_persistence();
        }
    }

    #[expect(
        clippy::inline_always,
        reason = "every message passes, and a call costs more than what it does"
    )]
    #[inline(always)]
    fn accept(&self, locked: &mut Locked, message: Message) -> Result<Accepted, Rejected> {
        locked.make_memory(&message)?;
        // One that no clock has never comes.
        let ttl = locked.outbox.settings().ttl;
        let expires = ttl.and_then(|ttl| clock::now().checked_add(ttl));
        let admitted = locked.outbox.admit(message, expires)?;
        // Of what the store does not have yet persistence tells.
        let waker = match locked.outbox.settings().durable && admitted.evicted == 0 {
            true => None,
            false => self.take_waker(locked),
        };
        // An actor that is at work will see to it in this very turn; what is kept may have to wait later on.
        if waker.is_some() || locked.outbox.settings().keeps() {
            locked.age.mark(admitted.id, clock::now());
        }
        if admitted.evicted > 0 {
            locked.evicted += u64::from(admitted.evicted);
            locked.resolve_waiters();
        }
        Ok(Accepted {
            id: admitted.id,
            waker,
        })
    }

    /// Lets go of the lock, and tells whom the message concerns. Returns what the message is known by.
    #[expect(
        clippy::inline_always,
        reason = "every message passes, and a call costs more than what it does"
    )]
    #[inline(always)]
    fn accepted(
        self: &Arc<Self>,
        mut locked: MutexGuard<'_, Locked>,
        Accepted { id, waker }: Accepted,
    ) -> MessageId {
        let epoch = locked.ids.current();
        let keep = locked.has_news_to_persist();
        drop(locked);
        if keep {
            self.call_persistence();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        MessageId { id, epoch }
    }

    /// Works on the inside under the lock, then answers those whose fate is known by now.
    pub fn with<T>(self: &Arc<Self>, work: impl FnOnce(&mut Locked) -> T) -> T {
        let mut locked = self.locked.lock();
        let result = work(&mut locked);
        locked.resolve_waiters();
        locked.count_memory();
        let keep = locked.has_news_to_persist();
        drop(locked);
        if keep {
            self.call_persistence();
        }
        result
    }

    /// The same, and the actor has a look at what has changed.
    pub fn with_and_wake<T>(self: &Arc<Self>, work: impl FnOnce(&mut Locked) -> T) -> T {
        let (result, waker) = self.with(|locked| (work(locked), self.take_waker(locked)));
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}

impl HasHistory for SharedOutbox {
    fn name(&self) -> &ConnectionName {
        &self.name
    }

    fn history(&self) -> &History {
        &self.history
    }
}

/// A message that has its place, and the waker that is to be called for it.
struct Accepted {
    id: u64,
    waker: Option<Waker>,
}

/// What names an accepted message.
struct MessageId {
    id: u64,
    epoch: u32,
}

impl Locked {
    /// For how long the oldest message has waited of which nothing was written.
    pub fn oldest_age(&mut self, now: Instant) -> Option<Duration> {
        let oldest = self.outbox.oldest_waiting().map(|queued| queued.id);
        self.age.of(self.outbox.oldest_id(), oldest, now)
    }

    /// Whether persistence has to be called: once until it comes.
    fn has_news_to_persist(&mut self) -> bool {
        let news = !self.persistence_called && self.outbox.has_changes();
        self.persistence_called |= news;
        news
    }

    /// Whether the confirmation of something that is on its way is awaited.
    pub fn awaits_confirmation(&self) -> bool {
        self.outbox.awaits_confirmation(self.confirm_through)
    }

    /// Whether a ping should be sent now, to learn what has arrived. `is_paced`: what waits has to go on waiting.
    pub fn wants_fence(&self, is_paced: bool) -> bool {
        self.outbox.wants_fence(self.confirm_through, is_paced)
    }
}
