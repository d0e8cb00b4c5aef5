//! The outbox of a name, shared by handles, receipts and the actor on any thread.

mod fate;
mod kept;
mod left;
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

/// The outbox behind its lock, the waker of the actor, state that outlives the actor, and the
/// waiters for fates.
#[derive(Debug)]
pub(crate) struct SharedOutbox {
    name: ConnectionName,
    /// The owner of the name. It has a lock of its own, since everything that reports on the name
    /// reads it.
    owner: RwLock<Option<Owner>>,
    locked: Mutex<Locked>,
    /// The last messages of the name.
    history: History,
    /// Whether persistence knows that the history has grown.
    history_waits: AtomicBool,
    /// Whether incoming messages are acknowledged once they are stored, and some wait for that.
    acknowledges: AtomicBool,
    /// Whether the actor is in a turn, and will look at the outbox before it rests. Cleared only
    /// under the lock, so a sender that sees `true` is noticed in this turn. A stale `false` costs
    /// one spurious wakeup.
    at_work: AtomicBool,
    /// Whether something has changed since the actor's last look. Read without the lock, see
    /// [`rest`](Self::rest).
    touched: AtomicBool,
    /// Stores durable messages.
    persistence: Persistence,
    /// The subscriptions that callers want. A lock of its own, so that senders do not wait for it.
    wishes: Mutex<Wishes>,
    /// Whether they have changed without the actor since its last look.
    wishes_changed: AtomicBool,
}

/// The state under the lock.
#[derive(Debug)]
pub(crate) struct Locked {
    pub outbox: Outbox,
    /// The epochs in which the outbox gave out its ids.
    ids: IdEpochs,
    /// The last of these epochs that the store knows.
    stored_epoch: u32,
    /// The keys of messages that senders may repeat.
    keys: Option<Box<IdempotencyKeys>>,
    /// Another node holds the name: nothing becomes of the messages here.
    is_left: bool,
    /// Evicted messages that were not reported yet.
    pub evicted: u64,
    /// `Connect`'s data, sent again whenever a socket opens.
    pub connect_data: Option<Box<Message>>,
    /// Whether the name was connected by hand: a name that is not `enabled` then stays wanted after
    /// a death of its actor.
    pub wanted: bool,
    /// Stored by the actor when it has nothing to do. Valid until it is used.
    waker: Option<Waker>,
    waiters: Vec<Waiter>,
    /// The last id whose confirmation somebody waits for.
    confirm_through: u64,
    /// Whether persistence was called, and has not come yet.
    persistence_called: bool,
    /// A write error of the store that was not reported yet.
    pub store_error: Option<Box<str>>,
    /// Whether it was reported that the store fails though only other data than messages waits for
    /// it.
    told_failing: bool,
    /// The captures that outlive the process. Boxed: few names have any.
    kept: Option<Box<KeptCaptures>>,
    age: OutboxAge,
    /// The memory of all this.
    charge: Charge,
    /// The unused part of that memory in bytes, less the messages accepted since it was counted.
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
            is_left: false,
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

    /// The owner of the name; `None` if nobody owns it.
    pub fn owner(&self) -> Option<Owner> {
        self.owner.read().clone()
    }

    /// Whether this owner has the name.
    pub fn belongs_to(&self, owner: &Owner) -> bool {
        self.owner.read().as_ref() == Some(owner)
    }

    /// Sets the owner.
    pub fn give_to(&self, owner: Option<Owner>) {
        *self.owner.write() = owner;
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    /// Refuses messages until [`release`](Self::release), because the stored messages of the name
    /// are not known. The actor reports why.
    pub fn hold(&self, why: &str) {
        let mut locked = self.locked.lock();
        locked.outbox.hold();
        self.touch();
        locked.store_error = Some(why.into());
    }

    /// The stored messages of the name are known now.
    pub fn release(&self) {
        self.locked.lock().outbox.release();
    }

    /// The stored messages do not matter any more: nothing is stored from now on. No effect unless
    /// the name is held.
    pub fn forgo_store(&self) {
        self.locked.lock().outbox.forgo_store();
    }

    /// Whether it is [held](Self::hold).
    pub fn is_held(&self) -> bool {
        self.locked.lock().outbox.is_held()
    }

    /// Restores when the messages of an earlier process were accepted, in the order of their ids.
    pub fn accepted_at(&self, times: impl IntoIterator<Item = (u64, Instant)>) {
        let age = &mut self.locked.lock().age;
        times.into_iter().for_each(|(id, at)| age.mark(id, at));
    }

    /// Restores the ids and message keys of earlier processes.
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

    /// Begins another life of the name: ids belong to this epoch from now on.
    pub fn begin_epoch(&self, epoch: u32) {
        let mut locked = self.locked.lock();
        if locked.ids.current() != epoch {
            let next = locked.outbox.last_id() + 1;
            locked.ids.begin(epoch, next);
        }
    }

    /// The epoch of new ids.
    pub fn epoch(&self) -> u32 {
        self.locked.lock().ids.current()
    }

    /// Sets whether incoming messages wait to be acknowledged until they are stored.
    pub fn set_acknowledges(&self, acknowledges: bool) {
        self.acknowledges.store(acknowledges, Ordering::Relaxed);
    }

    /// Tells persistence that there is something to store.
    pub fn call_persistence(self: &Arc<Self>) {
        let source: Arc<Self> = Arc::clone(self);
        self.persistence.call(source);
    }

    /// The history has new messages to store.
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
        // A deadline that overflows the clock never comes.
        let ttl = locked.outbox.settings().ttl;
        let expires = ttl.and_then(|ttl| clock::now().checked_add(ttl));
        let admitted = locked.outbox.admit(message, expires)?;
        // Persistence wakes the actor about a message that is not stored yet.
        let waker = match locked.outbox.settings().durable && admitted.evicted == 0 {
            true => None,
            false => self.take_waker(locked),
        };
        // A busy actor notices the message in this turn. A message that is kept may have to wait
        // later.
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

    /// Releases the lock and wakes whoever the message concerns. Returns its id and epoch.
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

    /// Runs `work` under the lock, then answers the waiters whose fate is known.
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

    /// Like `with`, and makes the actor look at the change.
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

/// A message with its id, and the waker to call for it.
struct Accepted {
    id: u64,
    waker: Option<Waker>,
}

/// The identity of an accepted message.
struct MessageId {
    id: u64,
    epoch: u32,
}

impl Locked {
    /// How long the oldest message has waited of which nothing was written.
    pub fn oldest_age(&mut self, now: Instant) -> Option<Duration> {
        let oldest = self.outbox.oldest_waiting().map(|queued| queued.id);
        self.age.of(self.outbox.oldest_id(), oldest, now)
    }

    /// Whether persistence must be called: once until it comes.
    fn has_news_to_persist(&mut self) -> bool {
        let news = !self.persistence_called && self.outbox.has_changes();
        self.persistence_called |= news;
        news
    }

    /// Whether somebody waits for the confirmation of something in flight.
    pub fn awaits_confirmation(&self) -> bool {
        self.outbox.awaits_confirmation(self.confirm_through)
    }

    /// Whether a ping should be sent now, to learn what has arrived. `is_paced`: waiting messages
    /// cannot be sent yet.
    pub fn wants_fence(&self, is_paced: bool) -> bool {
        self.outbox.wants_fence(self.confirm_through, is_paced)
    }
}
