//! The hub: subscribers, positions and kept events.

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

/// All subscribers of a process. Publishing takes no lock of the hub: each name caches its list of
/// listeners, and renews it when the generation changes.
///
/// A pattern is matched when a name or a subscriber is added, so a message costs only as much as it
/// has subscribers.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(super) subscribers: RwLock<Subscribers>,
    /// Counts the changes of the list. Changes under the list's lock.
    pub(super) generation: AtomicU64,
    /// The first position of this process.
    start: Cursor,
    position: AtomicU64,
    /// The number of events that subscribers missed.
    missed: Arc<AtomicU64>,
    /// The memory budget of histories and readers.
    pub(super) memory: Arc<MemoryBudget>,
    /// The part of it that shared JSON takes.
    json: Arc<JsonMemory>,
    /// The last events of all names, messages aside.
    recent: Mutex<RecentEvents>,
    /// The last changes of subscriptions.
    recent_subscriptions: Mutex<RecentEvents>,
    /// Messages up to here are lost, since their names are gone.
    forgotten: AtomicU64,
    /// Fates up to here were delivered; they are not kept.
    fates: AtomicU64,
    /// Held while an event gets its position and goes to subscribers that may resume from it. So
    /// each of them has all events up to the cursor of its last one.
    pub(super) order: Mutex<()>,
}

impl Hub {
    /// A hub without subscribers that counts from `start`, beyond all positions of earlier
    /// processes. Their messages up to `forgotten` are lost, since their names are gone.
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

    /// Earlier processes become known only now: their last event had this `position`, and their
    /// messages up to `forgotten` are lost, since their names are gone.
    pub fn go_on_behind(&self, position: u64, forgotten: Option<Cursor>) {
        // If the clock was set back, this process has begun below it.
        self.position.fetch_max(position, Ordering::Relaxed);
        if let Some(Cursor(forgotten)) = forgotten {
            // Unless a name was removed meanwhile: then the later value stays.
            let (lost, order) = (&self.forgotten, Ordering::AcqRel);
            let _gone = lost.compare_exchange(self.start.0, forgotten, order, Ordering::Acquire);
        }
    }

    /// The position of the first of `events` consecutive events.
    pub(super) fn draw_cursors(&self, events: usize) -> Cursor {
        Cursor(self.position.fetch_add(events as u64, Ordering::Relaxed) + 1)
    }

    /// A position that no reader has stopped at before: losses before it do not matter to a reader
    /// that starts there, and all later ones do.
    pub(super) fn starting_place(&self) -> Cursor {
        self.draw_cursors(1)
    }

    /// The position after everything so far.
    pub fn now(&self) -> Cursor {
        Cursor(self.position.load(Ordering::Relaxed))
    }

    /// The first position of this process.
    pub fn start(&self) -> Cursor {
        self.start
    }

    /// Messages up to here are lost, since their names are gone.
    pub fn forgotten(&self) -> Cursor {
        Cursor(self.forgotten.load(Ordering::Acquire))
    }

    /// A name is gone, and its messages with it.
    pub fn forget(&self, history: &History) {
        if let Some(last) = history.last() {
            self.forgotten.fetch_max(last.0, Ordering::AcqRel);
        }
    }

    /// Fates up to here were delivered; they are not kept.
    pub(super) fn fates(&self) -> Cursor {
        Cursor(self.fates.load(Ordering::Acquire))
    }

    /// Gives events of a name their positions, from `first` on, and keeps them for readers that
    /// resume. `is_current` is asked under the lock that those readers take; if it returns `false`,
    /// nothing is done.
    ///
    /// Messages that are neither wanted nor kept get no positions, but are noted as missing.
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
                        // A reader that stopped before this position has missed something.
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

    /// The last events, messages aside.
    pub(super) fn recent(&self, ring: Ring) -> &Mutex<RecentEvents> {
        match ring {
            Ring::Events => &self.recent,
            Ring::Subscriptions => &self.recent_subscriptions,
        }
    }

    /// Delivers a notice to all subscribers.
    pub fn announce(&self, notice: Notice) {
        let subscribers = self.subscribers.read().list.clone();
        for subscriber in subscribers {
            subscriber.notify(notice);
        }
    }

    /// The counters for a reader's queue.
    pub(super) fn account(&self) -> Account {
        Account {
            missed: Arc::clone(&self.missed),
            charge: Charge::new(&self.memory, MemoryUse::Readers),
            json: Arc::clone(&self.json),
        }
    }

    /// The number of events that slow subscribers missed.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Adds a subscriber.
    pub(super) fn add(&self, listener: &Arc<Listener>) {
        let mut subscribers = self.subscribers.write();
        let before = self.generation.fetch_add(1, Ordering::Release);
        subscribers.list.push(Arc::clone(listener));
        subscribers.generations.push(before + 1);
    }

    /// Removes a subscriber.
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

/// The subscribers, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    list: Vec<Arc<Listener>>,
    /// The generation that each one began.
    generations: Vec<u64>,
}

impl Subscribers {
    /// The subscribers that came after a generation.
    pub fn behind(&self, generation: u64) -> impl Iterator<Item = &Arc<Listener>> {
        let from = self
            .generations
            .partition_point(|began| *began <= generation);
        self.list[from..].iter()
    }
}

/// The history of a name, and its limits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryRef<'a> {
    pub history: &'a History,
    /// How much it keeps.
    pub limit: HistorySettings,
}
