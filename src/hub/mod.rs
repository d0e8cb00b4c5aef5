//! Who hears what happens: subscribers by pattern, each bounded, each with its own way of being too slow.

mod delivery;
mod kinds;
mod queue;
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

use parking_lot::RwLock;

use self::subscriber::Subscriber;
pub use self::{
    delivery::{Delivery, Overflow},
    kinds::{Kinds, UnknownKind},
    stream::Events,
    subscriber::SubscriptionGuard,
};
use crate::{
    core::{ConnectionName, Cursor, Pattern},
    events::Event,
};

/// All subscribers of a process. Publishing takes no lock of the hub: each name keeps its own list of listeners,
/// and renews it when the generation has changed.
#[derive(Debug)]
pub(crate) struct Hub {
    subscribers: RwLock<Vec<Arc<Subscriber>>>,
    generation: AtomicU64,
    origin: u64,
    position: AtomicU64,
    /// Events that subscribers missed, in all.
    missed: Arc<AtomicU64>,
}

impl Hub {
    /// A hub without subscribers. `origin` tells this run of the process from others in cursors.
    pub fn new(origin: u64) -> Arc<Self> {
        Arc::new(Self {
            subscribers: RwLock::default(),
            generation: AtomicU64::new(1),
            origin,
            position: AtomicU64::new(0),
            missed: Arc::default(),
        })
    }

    /// The cursor of the next event.
    pub fn next_cursor(&self) -> Cursor {
        Cursor {
            origin: self.origin,
            position: self.position.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    /// A stream of the events of all names that the pattern selects, now and later.
    pub fn stream(self: &Arc<Self>, pattern: Pattern, delivery: Delivery) -> Events {
        let subscriber = Arc::new(Subscriber::queued(
            pattern,
            delivery,
            Arc::clone(&self.missed),
        ));
        self.add(&subscriber);
        Events::new(SubscriptionGuard::new(self, &subscriber), subscriber)
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
            let _panicked = subscriber.deliver(event.clone());
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

    /// Tells all of them. A callback that panics is the error: its text.
    pub fn publish(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        event: Event,
    ) -> Result<(), String> {
        let mut panicked = None;
        if let Some((last, others)) = self.current(hub, name).split_last() {
            for subscriber in others {
                panicked = panicked.or(subscriber.deliver(event.clone()).err());
            }
            panicked = panicked.or(last.deliver(event).err());
        }
        panicked.map_or(Ok(()), Err)
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
