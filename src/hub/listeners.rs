//! The subscribers of a name, and how it tells them what happens.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Waker,
    time::Instant,
};

use super::{
    registry::{HistoryRef, Hub},
    subscriber::Subscriber,
};
use crate::{core::ConnectionName, events::Event};

/// The subscribers of one name, as that name knows them.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    generation: u64,
    list: Box<[Arc<Subscriber>]>,
    wants_sent: bool,
    any_resumes: bool,
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
        history_ref: HistoryRef<'_>,
        mut event: Event,
    ) -> Result<(), String> {
        // A subscriber that comes in between asks what was kept before it is told what is new: it must find the event in
        // one of the two, so that an event is kept only for the listeners that it is told to.
        while !self.place(hub, name, history_ref, &mut event) {}
        let mut panicked = None;
        let mut others = self.list.iter().filter(|subscriber| !subscriber.resumes());
        if let Some(mut next) = others.next() {
            for after in others {
                panicked = panicked.or(next.deliver(&event).err());
                next = after;
            }
            // The last one can have the event itself. It is not moved for one who only looks at it.
            match next.keeps(&event) {
                true => next.give(event),
                false => panicked = panicked.or(next.deliver(&event).err()),
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
        history_ref: HistoryRef<'_>,
        event: &mut Event,
    ) -> bool {
        self.current(hub, name);
        let _order = self.any_resumes.then(|| hub.order.lock());
        let generation = self.generation;
        let placed = hub.keep(
            history_ref,
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
                let _told = subscriber.deliver(event);
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
