//! Who hears what happens to a name, and how that is numbered.

use std::{task::Waker, time::Instant};

use jiff::Timestamp;

use crate::{
    core::{ConnectionName, Cursor, EventCounter},
    events::{Event, Stamp},
    hub::{HistoryRef, Hub, Listeners},
};

/// Numbers the events of a name, and tells them.
pub(in crate::connection) struct Publisher {
    event_counter: EventCounter,
    listeners: Listeners,
    /// The wall clock of this turn, read once.
    wall: Option<Timestamp>,
    /// What a callback panicked with, until that is told.
    callback_panic: Option<Box<str>>,
}

impl Publisher {
    /// The events of a name in this epoch.
    pub fn new(epoch: u32) -> Self {
        Self {
            event_counter: EventCounter::new(epoch),
            listeners: Listeners::default(),
            wall: None,
            callback_panic: None,
        }
    }

    /// The epoch of the events.
    pub fn epoch(&self) -> u32 {
        self.event_counter.epoch()
    }

    /// Numbers begin anew in this epoch, if it is a later one.
    pub fn begin_epoch(&mut self, epoch: u32) {
        if epoch > self.event_counter.epoch() {
            self.event_counter = EventCounter::new(epoch);
        }
    }

    /// What the wall clock says in this turn; `None`: it is read when it is needed.
    pub fn set_wall(&mut self, wall: Option<Timestamp>) {
        self.wall = wall;
    }

    /// What the wall clock says in this turn.
    pub fn wall(&mut self) -> Timestamp {
        *self.wall.get_or_insert_with(Timestamp::now)
    }

    /// Numbers an event, keeps it and tells all subscribers.
    pub fn publish(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        history_ref: HistoryRef<'_>,
        event: impl FnOnce(Stamp) -> Event,
    ) {
        let stamp = Stamp {
            name: name.clone(),
            epoch: self.event_counter.epoch(),
            seq: self.event_counter.advance(),
            // Its place over all names is found where it is told.
            cursor: Cursor::default(),
            at: self.wall(),
        };
        let told = self.listeners.publish(hub, name, history_ref, event(stamp));
        if let Err(panic) = told {
            self.callback_panic.get_or_insert(panic.into());
        }
    }

    /// What a callback panicked with, once.
    pub fn take_panic(&mut self) -> Option<Box<str>> {
        self.callback_panic.take()
    }

    /// Whether a callback has panicked, and that was not taken.
    pub fn has_panic(&self) -> bool {
        self.callback_panic.is_some()
    }

    /// Whether a subscriber wants to hear the fate of each message.
    pub fn want_sent(&mut self, hub: &Hub, name: &ConnectionName) -> bool {
        self.listeners.want_sent(hub, name)
    }

    /// Whether a subscriber that asked for it keeps the name from reading; the waker is called when none does any more.
    pub fn are_paused(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        now: Instant,
        waker: &Waker,
    ) -> bool {
        self.listeners.are_paused(hub, name, now, waker)
    }

    /// How many subscribers there are.
    pub fn count(&mut self, hub: &Hub, name: &ConnectionName) -> usize {
        self.listeners.count(hub, name)
    }
}
