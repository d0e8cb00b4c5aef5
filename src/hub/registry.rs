//! Who hears what happens, where it stands, and what is kept of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock};

use super::{
    history::History,
    json::JsonMemory,
    listener::Listener,
    new_events::NewEvents,
    queue::Account,
    recent_events::{RecentEvents, Ring},
};
use crate::{
    core::Cursor,
    events::{Event, EventKind, Notice, Stamp},
    memory::{Charge, MemoryBudget, MemoryUse},
    settings::HistorySettings,
};

/// All subscribers of a process. Publishing takes no lock of the hub: each name keeps its own list of listeners,
/// and renews it when the generation has changed.
///
/// A pattern is matched when a name or a subscriber comes: a message costs as much as there are subscribers that it is for.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(super) subscribers: RwLock<Subscribers>,
    /// Counts the changes of the list. It changes under its lock.
    pub(super) generation: AtomicU64,
    /// Where this process began to count.
    start: Cursor,
    position: AtomicU64,
    /// Events that subscribers missed, in all.
    missed: Arc<AtomicU64>,
    /// What histories and readers take their memory of.
    pub(super) memory: Arc<MemoryBudget>,
    /// What the JSON that readers share takes of it.
    json: Arc<JsonMemory>,
    /// What happened to all names, messages aside.
    recent: Mutex<RecentEvents>,
    /// What became of their subscriptions.
    recent_subscriptions: Mutex<RecentEvents>,
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
            json: JsonMemory::new(&memory),
            memory,
            recent: Mutex::new(RecentEvents::new(Cursor(start))),
            recent_subscriptions: Mutex::new(RecentEvents::new(Cursor(start))),
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

    /// The place of the first of so many events, which follow each other.
    pub(super) fn draw_cursors(&self, events: usize) -> Cursor {
        Cursor(self.position.fetch_add(events as u64, Ordering::Relaxed) + 1)
    }

    /// A place that no reader has stopped at before: what is lost before it is not missing to who begins there, and all that follows is.
    pub(super) fn starting_place(&self) -> Cursor {
        self.draw_cursors(1)
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

    /// Gives events of a name their places, from `first` on, and keeps them for those who are away. `is_current` is asked under the lock that
    /// readers of the past take, and nothing is done where it says no.
    ///
    /// Messages that are neither wanted nor kept get no places: that they are missing is noted.
    pub(super) fn keep(
        &self,
        history_ref: HistoryRef<'_>,
        is_current: impl FnOnce() -> bool,
        is_wanted: bool,
        first: &mut Stamp,
        events: &NewEvents,
    ) -> bool {
        let kinds = events.kinds();
        match kinds.first() {
            Some(EventKind::Message(_)) => {
                let charge = || Charge::new(&self.memory, MemoryUse::Histories);
                let HistoryRef { history, limit } = history_ref;
                history.with(limit, self.start, charge, |known| {
                    let placed = is_current();
                    if placed && (is_wanted || known.keeps()) {
                        first.cursor = self.draw_cursors(kinds.len());
                        known.push_all(first, events);
                    } else if placed && known.lost_through(self.start) != self.now() {
                        // Whoever stopped before this place has missed something.
                        known.lose(self.draw_cursors(1));
                    }
                    placed
                })
            }
            // A reader that comes in between waits for this lock before it looks.
            Some(EventKind::Sent(_)) => history_ref.history.locked(|| {
                let placed = is_current();
                if placed {
                    first.cursor = self.draw_cursors(kinds.len());
                    let last = first.cursor.0 + kinds.len() as u64 - 1;
                    self.fates.fetch_max(last, Ordering::AcqRel);
                }
                placed
            }),
            other => {
                let ring = other.map_or(Ring::Events, Ring::of);
                let mut recent = self.recent(ring).lock();
                let placed = is_current();
                if placed {
                    first.cursor = self.draw_cursors(kinds.len());
                    let events = kinds.iter().zip(first.cursor.0..).zip(first.seq..);
                    for ((kind, cursor), seq) in events {
                        let (mut stamp, kind) = (first.clone(), kind.clone());
                        (stamp.cursor, stamp.seq) = (Cursor(cursor), seq);
                        recent.push(Event { stamp, kind });
                    }
                }
                placed
            }
        }
    }

    /// What happened last, messages aside.
    pub(super) fn recent(&self, ring: Ring) -> &Mutex<RecentEvents> {
        match ring {
            Ring::Events => &self.recent,
            Ring::Subscriptions => &self.recent_subscriptions,
        }
    }

    /// Tells all subscribers something that belongs to no name.
    pub fn announce(&self, notice: Notice) {
        let subscribers = self.subscribers.read().list.clone();
        for subscriber in subscribers {
            subscriber.notify(notice);
        }
    }

    /// Where a reader's queue counts what it holds, and what it missed.
    pub(super) fn account(&self) -> Account {
        Account {
            missed: Arc::clone(&self.missed),
            charge: Charge::new(&self.memory, MemoryUse::Readers),
            json: Arc::clone(&self.json),
        }
    }

    /// How many events subscribers missed because they were too slow, in all.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// One more is told from now on.
    pub(super) fn add(&self, listener: &Arc<Listener>) {
        let mut subscribers = self.subscribers.write();
        let before = self.generation.fetch_add(1, Ordering::Release);
        subscribers.list.push(Arc::clone(listener));
        subscribers.generations.push(before + 1);
    }

    /// One is not told any more.
    pub(super) fn remove(&self, listener: &Arc<Listener>) {
        listener.remove();
        let mut subscribers = self.subscribers.write();
        let at = subscribers
            .list
            .iter()
            .position(|other| Arc::ptr_eq(other, listener));
        if let Some(at) = at {
            subscribers.list.remove(at);
            subscribers.generations.remove(at);
        }
        self.generation.fetch_add(1, Ordering::Release);
    }
}

/// Those who are told, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    list: Vec<Arc<Listener>>,
    /// The generation that each began.
    generations: Vec<u64>,
}

impl Subscribers {
    /// Those that have come since a generation.
    pub fn behind(&self, generation: u64) -> impl Iterator<Item = &Arc<Listener>> {
        let from = self
            .generations
            .partition_point(|began| *began <= generation);
        self.list[from..].iter()
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
