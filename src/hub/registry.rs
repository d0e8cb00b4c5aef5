//! Who hears what happens, where it stands, and what is kept of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock};

use super::{
    history::History, queue::Account, recent_events::RecentEvents, subscriber::Subscriber,
};
use crate::{
    core::Cursor,
    events::Event,
    memory::{Charge, MemoryBudget, MemoryUse},
    settings::HistorySettings,
};

/// All subscribers of a process. Publishing takes no lock of the hub: each name keeps its own list of listeners,
/// and renews it when the generation has changed.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(super) subscribers: RwLock<Vec<Arc<Subscriber>>>,
    /// Counts the changes of the list.
    pub(super) generation: AtomicU64,
    /// Where this process began to count.
    start: Cursor,
    position: AtomicU64,
    /// Events that subscribers missed, in all.
    missed: Arc<AtomicU64>,
    /// What histories and readers take their memory of.
    pub(super) memory: Arc<MemoryBudget>,
    /// What happened to all names, messages aside.
    pub(super) recent: Mutex<RecentEvents>,
    /// Up to here messages are lost with the names that they belonged to.
    forgotten: AtomicU64,
    /// Up to here fates were told, which are not kept.
    fates: AtomicU64,
    /// Held while an event gets its position and goes to those who may resume from it: so each of them has all events up to
    /// the cursor of the last one.
    pub(super) order: Mutex<()>,
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
            recent: Mutex::new(RecentEvents::new(Cursor(start))),
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

    /// The place of the next event.
    pub(super) fn next_cursor(&self) -> Cursor {
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

    /// Up to where fates were told, which are not kept.
    pub(super) fn fates(&self) -> Cursor {
        Cursor(self.fates.load(Ordering::Acquire))
    }

    /// Keeps an event for those who are away. `memory` is that of its name.
    pub(super) fn keep(
        &self,
        history_ref: HistoryRef<'_>,
        place: impl FnOnce(&mut Event) -> bool,
        event: &mut Event,
    ) -> bool {
        if matches!(event, Event::Message(..)) {
            let charge = || Charge::new(&self.memory, MemoryUse::Histories);
            history_ref
                .history
                .with(history_ref.limit, self.start, charge, |recent| {
                    let placed = place(event);
                    if placed && let Event::Message(stamp, message) = event {
                        recent.push(stamp, message);
                    }
                    placed
                })
        } else if matches!(event, Event::Sent(..)) {
            // A reader that comes in between waits for this lock before it looks.
            history_ref.history.locked(|| {
                let placed = place(event);
                self.fates.fetch_max(event.cursor().0, Ordering::AcqRel);
                placed
            })
        } else {
            let mut recent = self.recent.lock();
            let placed = place(event);
            if placed {
                recent.push(event.clone());
            }
            placed
        }
    }

    /// Tells all subscribers something that belongs to no name.
    pub fn announce(&self, event: &Event) {
        let subscribers = self.subscribers.read().clone();
        for subscriber in subscribers {
            // A callback's panic has no name that it could cost its socket.
            let _panicked = subscriber.deliver(event);
        }
    }

    /// Where a reader's queue counts what it holds, and what it missed.
    pub(super) fn account(&self) -> Account {
        Account {
            missed: Arc::clone(&self.missed),
            charge: Charge::new(&self.memory, MemoryUse::Readers),
        }
    }

    /// How many events subscribers missed because they were too slow, in all.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// One more is told from now on.
    pub(super) fn add(&self, subscriber: &Arc<Subscriber>) {
        self.subscribers.write().push(Arc::clone(subscriber));
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// One is not told any more.
    pub(super) fn remove(&self, subscriber: &Arc<Subscriber>) {
        self.subscribers
            .write()
            .retain(|other| !Arc::ptr_eq(other, subscriber));
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// Where the messages of a name are kept for those who are away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryRef<'a> {
    /// Of this name.
    pub history: &'a History,
    /// How much it keeps.
    pub limit: HistorySettings,
}
