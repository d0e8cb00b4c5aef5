//! Who hears what happens: subscribers by pattern, each bounded, each with its own way of being too slow.

mod delivery;
mod history;
mod kinds;
mod past;
mod queue;
mod story;
mod stream;
mod subscriber;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::Instant,
};

use parking_lot::{Mutex, RwLock};

pub use self::{
    delivery::{Delivery, Overflow},
    kinds::{Kinds, UnknownKind},
    stream::Events,
    subscriber::SubscriptionGuard,
};
pub(crate) use self::{history::History, past::HasHistory};
use self::{past::Past, queue::Account, story::Story, subscriber::Subscriber};
use crate::{
    config::HistorySettings,
    core::{ConnectionName, Cursor, Pattern},
    events::Event,
    memory::{Charge, MemoryBudget, MemoryUse},
};

/// All subscribers of a process. Publishing takes no lock of the hub: each name keeps its own list of listeners,
/// and renews it when the generation has changed.
#[derive(Debug)]
pub(crate) struct Hub {
    subscribers: RwLock<Vec<Arc<Subscriber>>>,
    generation: AtomicU64,
    /// Where this process began to count.
    start: Cursor,
    position: AtomicU64,
    /// Events that subscribers missed, in all.
    missed: Arc<AtomicU64>,
    /// What histories and readers take their memory of.
    memory: Arc<MemoryBudget>,
    /// What happened to all names, messages aside.
    story: Mutex<Story>,
    /// Up to here messages are lost with the names that they belonged to.
    forgotten: AtomicU64,
    /// Up to here fates were told, which are not kept.
    fates: AtomicU64,
    /// Held while an event gets its position and goes to those who may resume from it: so each of them has all events up to
    /// the cursor of the last one.
    order: Mutex<()>,
}

impl Hub {
    /// A hub without subscribers, which counts from `start` on: beyond all that earlier processes have given out. Up to
    /// `forgotten` their messages are lost with the names that they belonged to.
    pub fn new(start: u64, forgotten: Cursor, memory: Arc<MemoryBudget>) -> Arc<Self> {
        Arc::new(Self {
            subscribers: RwLock::default(),
            generation: AtomicU64::new(1),
            start: Cursor(start),
            position: AtomicU64::new(start),
            missed: Arc::default(),
            memory,
            story: Mutex::new(Story::new(Cursor(start))),
            forgotten: AtomicU64::new(forgotten.0),
            fates: AtomicU64::new(start),
            order: Mutex::default(),
        })
    }

    /// Earlier processes are known only now: their last event had this `position`, and up to `forgotten`, if that is known, their messages
    /// are lost with the names that they belonged to.
    pub fn go_on_behind(&self, position: u64, forgotten: Option<Cursor>) {
        // A clock that was set back since has begun below it.
        self.position.fetch_max(position, Ordering::Relaxed);
        if let Some(Cursor(forgotten)) = forgotten {
            // Unless a name has gone meanwhile: then it stays as it is.
            let (lost, order) = (&self.forgotten, Ordering::AcqRel);
            let _gone = lost.compare_exchange(self.start.0, forgotten, order, Ordering::Acquire);
        }
    }

    fn next_cursor(&self) -> Cursor {
        Cursor(self.position.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The place behind all that has happened so far.
    pub fn now(&self) -> Cursor {
        Cursor(self.position.load(Ordering::Relaxed))
    }

    /// Where this process began to count.
    pub fn start(&self) -> Cursor {
        self.start
    }

    /// Up to where messages are lost with the names that they belonged to.
    pub fn forgotten(&self) -> Cursor {
        Cursor(self.forgotten.load(Ordering::Acquire))
    }

    /// A name is gone, and what it said with it.
    pub fn forget(&self, history: &History) {
        if let Some(last) = history.last() {
            self.forgotten.fetch_max(last.0, Ordering::AcqRel);
        }
    }

    /// A stream of what happened behind `since` and of what happens from now on, without a hole between them, whose cursors can
    /// be resumed from. `names` lists those that the pattern selects, and up to where others had said something. It begins with
    /// [`Event::Lagged`] where something is missing.
    ///
    /// The past is read when the stream is, a piece at a time: what of it has given way until then is told as missing, too.
    pub fn resume(
        self: &Arc<Self>,
        pattern: Pattern,
        delivery: Delivery,
        since: Option<Cursor>,
        names: impl FnOnce() -> (Vec<Arc<dyn HasHistory>>, Cursor),
    ) -> Events {
        let subscriber = Subscriber::resumable(pattern, delivery, self.account());
        let subscriber = Arc::new(subscriber);
        // Read before it is added: what comes in between is then behind this place.
        let start = self.now();
        self.add(&subscriber);
        let guard = SubscriptionGuard::new(self, &subscriber);
        let Some(since) = since else {
            return Events::new(guard, subscriber, start);
        };
        // Listed behind it: what a name says that is opened from now on is told to the subscriber.
        let (names, lost) = names();
        let missed = since > self.now() || (since < lost && subscriber.kinds().has("message"));
        let past = Past::new(self, &subscriber, since, missed, names);
        Events::resumed(guard, subscriber, since, past)
    }

    /// Up to where fates were told, which are not kept.
    fn fates(&self) -> Cursor {
        Cursor(self.fates.load(Ordering::Acquire))
    }

    /// Keeps an event for those who are away. `memory` is that of its name.
    fn keep(
        &self,
        memory: Memory<'_>,
        place: impl FnOnce(&mut Event) -> bool,
        event: &mut Event,
    ) -> bool {
        if matches!(event, Event::Message(..)) {
            let charge = || Charge::new(&self.memory, MemoryUse::Histories);
            memory
                .history
                .with(memory.limit, self.start, charge, |recent| {
                    let placed = place(event);
                    if placed && let Event::Message(stamp, message) = event {
                        recent.push(stamp, message);
                    }
                    placed
                })
        } else if matches!(event, Event::Sent(..)) {
            // A reader that comes in between waits for this lock before it looks.
            memory.history.locked(|| {
                let placed = place(event);
                self.fates.fetch_max(event.cursor().0, Ordering::AcqRel);
                placed
            })
        } else {
            let mut story = self.story.lock();
            let placed = place(event);
            if placed {
                story.push(event.clone());
            }
            placed
        }
    }

    /// A stream of the events of all names that the pattern selects, now and later.
    pub fn stream(self: &Arc<Self>, pattern: Pattern, delivery: Delivery) -> Events {
        let subscriber = Arc::new(Subscriber::queued(pattern, delivery, self.account()));
        let start = self.now();
        self.add(&subscriber);
        Events::new(SubscriptionGuard::new(self, &subscriber), subscriber, start)
    }

    /// Calls `callback` with each event, in the turn of the name that it happened to.
    pub fn callback(
        self: &Arc<Self>,
        pattern: Pattern,
        callback: impl Fn(&Event) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        let subscriber = Arc::new(Subscriber::callback(pattern, Box::new(callback)));
        self.add(&subscriber);
        SubscriptionGuard::new(self, &subscriber)
    }

    /// Tells all subscribers something that belongs to no name.
    pub fn announce(&self, event: &Event) {
        let subscribers = self.subscribers.read().clone();
        for subscriber in subscribers {
            // A callback's panic has no name that it could cost its socket.
            let _panicked = subscriber.tell(event);
        }
    }

    /// Where a reader's queue counts what it holds, and what it missed.
    fn account(&self) -> Account {
        Account {
            missed: Arc::clone(&self.missed),
            charge: Charge::new(&self.memory, MemoryUse::Readers),
        }
    }

    /// How many events subscribers missed because they were too slow, in all.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    fn add(&self, subscriber: &Arc<Subscriber>) {
        self.subscribers.write().push(Arc::clone(subscriber));
        self.generation.fetch_add(1, Ordering::Release);
    }

    fn remove(&self, subscriber: &Arc<Subscriber>) {
        self.subscribers
            .write()
            .retain(|other| !Arc::ptr_eq(other, subscriber));
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// The subscribers of one name, as that name knows them.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    generation: u64,
    list: Box<[Arc<Subscriber>]>,
    wants_sent: bool,
    any_resumes: bool,
}

/// Where the messages of a name are kept for those who are away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<'a> {
    /// Of this name.
    pub history: &'a History,
    /// How much it keeps.
    pub limit: HistorySettings,
}

impl Listeners {
    /// The list as it is now.
    fn current(&mut self, hub: &Hub, name: &ConnectionName) -> &[Arc<Subscriber>] {
        let generation = hub.generation.load(Ordering::Acquire);
        if self.generation != generation {
            self.generation = generation;
            self.list = hub
                .subscribers
                .read()
                .iter()
                .filter(|subscriber| subscriber.matches(name))
                .cloned()
                .collect();
            self.any_resumes = self.list.iter().any(|subscriber| subscriber.resumes());
            self.wants_sent = self.list.iter().any(|subscriber| subscriber.wants_sent());
        }
        &self.list
    }

    /// Whether one of them wants to hear the fate of each message.
    pub fn want_sent(&mut self, hub: &Hub, name: &ConnectionName) -> bool {
        self.current(hub, name);
        self.wants_sent
    }

    /// How many there are.
    pub fn count(&mut self, hub: &Hub, name: &ConnectionName) -> usize {
        self.current(hub, name).len()
    }

    /// Gives an event its place, keeps it, and tells all of them. A callback that panics is the error: its text.
    pub fn publish(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        memory: Memory<'_>,
        mut event: Event,
    ) -> Result<(), String> {
        // A subscriber that comes in between asks what was kept before it is told what is new: it must find the event in
        // one of the two, so that an event is kept only for the listeners that it is told to.
        while !self.place(hub, name, memory, &mut event) {}
        let mut panicked = None;
        let mut others = self.list.iter().filter(|subscriber| !subscriber.resumes());
        if let Some(mut next) = others.next() {
            for after in others {
                panicked = panicked.or(next.tell(&event).err());
                next = after;
            }
            // The last one can have the event itself. It is not moved for one who only looks at it.
            match next.keeps(&event) {
                true => next.give(event),
                false => panicked = panicked.or(next.tell(&event).err()),
            }
        }
        panicked.map_or(Ok(()), Err)
    }

    /// Gives the event its place and keeps it, and tells those who may resume from it; false if the list of listeners has
    /// changed meanwhile.
    fn place(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        memory: Memory<'_>,
        event: &mut Event,
    ) -> bool {
        self.current(hub, name);
        let _order = self.any_resumes.then(|| hub.order.lock());
        let generation = self.generation;
        let placed = hub.keep(
            memory,
            |event| {
                let placed = hub.generation.load(Ordering::Acquire) == generation;
                if placed {
                    event.place(hub.next_cursor());
                }
                placed
            },
            event,
        );
        if placed && self.any_resumes {
            for subscriber in self.list.iter().filter(|subscriber| subscriber.resumes()) {
                // It has a queue, and a queue does not panic.
                let _told = subscriber.tell(event);
            }
        }
        placed
    }

    /// Whether a subscriber that asked for `pause` has no room. `waker` is woken when it has some again; one that has
    /// had none for too long is cut off, and does not count.
    pub fn are_paused(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        now: Instant,
        waker: &Waker,
    ) -> bool {
        let mut paused = false;
        for subscriber in self.current(hub, name) {
            paused |= subscriber.is_paused(now, waker);
        }
        paused
    }
}
