//! The door of a name: what handles, receipts and the actor share, on whatever thread they are.

mod memory;
mod once;
mod persist;
mod receipt;

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
use super::age::Ages;
use crate::{
    clock,
    core::{
        ConnectionName, Fate, IdEpochs, IdempotencyKeys, Keyed, Message, Outbox, Owner, Rejected,
    },
    hub::{HasHistory, History},
    memory::Charge,
    persistence::Keeper,
};

/// The outbox behind its lock, the doorbell of the actor, what must outlive even the actor, and those who wait for a fate.
#[derive(Debug)]
pub(crate) struct Gate {
    name: ConnectionName,
    /// Whose the name is. A lock of its own: who tells of the name asks, wherever it is told.
    owner: RwLock<Option<Owner>>,
    inside: Mutex<Inside>,
    /// What the name said last.
    history: History,
    /// Whether the keeper was told that the history has grown.
    history_waits: AtomicBool,
    /// Whether the actor is in the middle of a turn, and will look at the outbox before it rests. It falls under the lock alone:
    /// who reads `true` there comes before that look. Who misses that it has risen wakes the actor for nothing.
    at_work: AtomicBool,
    /// Writes durable messages down.
    keeper: Keeper,
}

/// What the lock guards.
#[derive(Debug)]
pub(crate) struct Inside {
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
    /// Left by the actor when it has nothing to do, and good until somebody rings.
    bell: Option<Waker>,
    waiters: Vec<Waiter>,
    /// The last id whose confirmation somebody waits for.
    confirm_through: u64,
    /// Whether the keeper was called, and has not come yet.
    keeper_called: bool,
    /// Why the store cannot write, not told yet.
    pub store_error: Option<Box<str>>,
    ages: Ages,
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

impl Gate {
    pub fn new(name: ConnectionName, outbox: Outbox, keeper: Keeper, charge: Charge) -> Arc<Self> {
        let mut inside = Inside {
            outbox,
            ids: IdEpochs::new(1),
            stored_epoch: 0,
            keys: None,
            evicted: 0,
            connect_data: None,
            wanted: false,
            bell: None,
            waiters: Vec::new(),
            confirm_through: 0,
            keeper_called: false,
            store_error: None,
            ages: Ages::default(),
            charge,
            left: 0,
        };
        inside.count_memory();
        Arc::new(Self {
            name,
            owner: RwLock::default(),
            inside: Mutex::new(inside),
            history: History::new(),
            history_waits: AtomicBool::new(false),
            at_work: AtomicBool::new(false),
            keeper,
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
        let mut inside = self.inside.lock();
        inside.outbox.hold();
        inside.store_error = Some(why.into());
    }

    /// What the store has of the name is known.
    pub fn release(&self) {
        self.inside.lock().outbox.release();
    }

    /// What the store has of the name does not matter any more: nothing is stored from now on. Nothing where it is not held.
    pub fn forgo_store(&self) {
        self.inside.lock().outbox.forgo_store();
    }

    /// Whether it is [held](Self::hold).
    pub fn is_held(&self) -> bool {
        self.inside.lock().outbox.is_held()
    }

    /// When messages were accepted that an earlier process has left, in the order of their ids.
    pub fn accepted_at(&self, times: impl IntoIterator<Item = (u64, Instant)>) {
        let ages = &mut self.inside.lock().ages;
        times.into_iter().for_each(|(id, at)| ages.mark(id, at));
    }

    /// What earlier processes have left of the outbox's ids, and of the keys of its messages.
    pub fn restore(&self, ids: Option<IdEpochs>, keys: Vec<Keyed>) {
        let mut inside = self.inside.lock();
        if let Some(ids) = ids {
            inside.stored_epoch = ids.current();
            inside.ids = ids;
        }
        if !keys.is_empty() {
            let known = inside.keys.get_or_insert_default();
            known.restore(keys, clock::now());
        }
    }

    /// The name has another life: ids are of this epoch from now on.
    pub fn begin_epoch(&self, epoch: u32) {
        let mut inside = self.inside.lock();
        if inside.ids.current() != epoch {
            let next = inside.outbox.last_id() + 1;
            inside.ids.begin(epoch, next);
        }
    }

    /// The epoch of the ids that are given now.
    pub fn epoch(&self) -> u32 {
        self.inside.lock().ids.current()
    }

    /// Has the keeper know that there is something to lose.
    pub fn call_keeper(self: &Arc<Self>) {
        let door: Arc<Self> = Arc::clone(self);
        self.keeper.call(door);
    }

    /// There is something to write down that is to outlive the process.
    pub fn history_grew(self: &Arc<Self>) {
        if !self.history_waits.swap(true, Ordering::AcqRel) {
            self.call_keeper();
        }
    }

    #[expect(
        clippy::inline_always,
        reason = "every message passes, and a call costs more than what it does"
    )]
    #[inline(always)]
    fn accept(&self, inside: &mut Inside, message: Message) -> Result<Accepted, Rejected> {
        inside.make_memory(&message)?;
        let expires = inside.outbox.settings().ttl.map(|ttl| clock::now() + ttl);
        let admitted = inside.outbox.admit(message, expires)?;
        // Of what the store does not have yet the keeper tells.
        let bell = match inside.outbox.settings().durable && admitted.evicted == 0 {
            true => None,
            false => self.take_bell(inside),
        };
        // An actor that is at work will see to it in this very turn; what is kept may have to wait later on.
        if bell.is_some() || inside.outbox.settings().keeps() {
            inside.ages.mark(admitted.id, clock::now());
        }
        if admitted.evicted > 0 {
            inside.evicted += u64::from(admitted.evicted);
            inside.settle();
        }
        Ok(Accepted {
            id: admitted.id,
            bell,
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
        mut inside: MutexGuard<'_, Inside>,
        Accepted { id, bell }: Accepted,
    ) -> MessageId {
        let epoch = inside.ids.current();
        let keep = inside.has_news_for_keeper();
        drop(inside);
        if keep {
            self.call_keeper();
        }
        if let Some(bell) = bell {
            bell.wake();
        }
        MessageId { id, epoch }
    }

    /// Works on the inside under the lock, then answers those whose fate is known by now.
    pub fn with<T>(self: &Arc<Self>, work: impl FnOnce(&mut Inside) -> T) -> T {
        let mut inside = self.inside.lock();
        let result = work(&mut inside);
        inside.settle();
        inside.count_memory();
        let keep = inside.has_news_for_keeper();
        drop(inside);
        if keep {
            self.call_keeper();
        }
        result
    }

    /// The same, and the actor has a look at what has changed.
    pub fn with_and_ring<T>(self: &Arc<Self>, work: impl FnOnce(&mut Inside) -> T) -> T {
        let (result, bell) = self.with(|inside| (work(inside), self.take_bell(inside)));
        if let Some(bell) = bell {
            bell.wake();
        }
        result
    }

    /// A turn of the actor begins: who sends meanwhile need not wake it.
    pub fn begin_turn(&self) {
        self.at_work.store(true, Ordering::Relaxed);
    }

    /// A look after which the actor may rest. Leaves its waker behind, for the next message.
    pub fn end_turn<T>(self: &Arc<Self>, waker: &Waker, look: impl FnOnce(&mut Inside) -> T) -> T {
        self.with(|inside| {
            inside.leave(waker);
            self.at_work.store(false, Ordering::Relaxed);
            look(inside)
        })
    }

    /// The bell, if the actor rests. `inside` is this gate's own.
    fn take_bell(&self, inside: &mut Inside) -> Option<Waker> {
        inside
            .bell
            .take_if(|_| !self.at_work.load(Ordering::Relaxed))
    }
}

impl HasHistory for Gate {
    fn name(&self) -> &ConnectionName {
        &self.name
    }

    fn history(&self) -> &History {
        &self.history
    }
}

/// A message that has its place, and the bell that is to ring for it.
struct Accepted {
    id: u64,
    bell: Option<Waker>,
}

/// What names an accepted message.
struct MessageId {
    id: u64,
    epoch: u32,
}

impl Inside {
    /// For how long the oldest message has waited of which nothing was written.
    pub fn oldest_age(&mut self, now: Instant) -> Option<Duration> {
        let oldest = self.outbox.oldest_waiting().map(|queued| queued.id);
        self.ages.of(self.outbox.oldest_id(), oldest, now)
    }

    /// What has become of a message, if its id was given out.
    fn fate(&self, id: u64) -> Option<Fate> {
        let keys = self.keys.as_deref();
        fate_of(&self.outbox, keys, id)
    }

    /// Whether the keeper has to be called: once until it comes.
    fn has_news_for_keeper(&mut self) -> bool {
        let news = !self.keeper_called && self.outbox.has_changes();
        self.keeper_called |= news;
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

    fn leave(&mut self, waker: &Waker) {
        if !self.bell.as_ref().is_some_and(|bell| bell.will_wake(waker)) {
            self.bell = Some(waker.clone());
        }
    }

    fn settle(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let (outbox, keys) = (&self.outbox, self.keys.as_deref());
        self.waiters
            .extract_if(.., |waiter| {
                waiter.answer.is_closed()
                    || fate_of(outbox, keys, waiter.id)
                        .is_none_or(|fate| is_answer(fate, waiter.wanted))
            })
            .for_each(|waiter| {
                let fate = fate_of(outbox, keys, waiter.id).unwrap_or(Fate::Forgotten);
                // A receiver that is gone no longer wants to know.
                let _gone = waiter.answer.send(fate);
            });
        if self.waiters.is_empty() {
            self.waiters = Vec::new();
            self.confirm_through = 0;
        }
    }
}

/// What has become of a message; of one with a key that also where the outbox has forgotten it.
fn fate_of(outbox: &Outbox, keys: Option<&IdempotencyKeys>, id: u64) -> Option<Fate> {
    match outbox.fate(id)? {
        Fate::Forgotten => keys.and_then(|keys| keys.end_of(id)),
        fate => return Some(fate),
    }
    .or(Some(Fate::Forgotten))
}

fn is_answer(fate: Fate, wanted: Fate) -> bool {
    fate.reaches(wanted) || fate.is_final()
}
