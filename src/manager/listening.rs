//! How a program hears what happens to names.

use std::sync::Arc;

use actix::Recipient;

use super::Manager;
use crate::{
    connection::{Commons, Gate, forward},
    core::{Cursor, Pattern},
    events::Event,
    hub::{Delivery, Events, HasHistory, SubscriptionGuard},
};

impl Manager {
    /// The events of all names that the pattern selects, those that are opened later included.
    pub fn subscribe(&self, pattern: Pattern, delivery: Delivery) -> Events {
        self.0.commons.hub.stream(pattern, delivery)
    }

    /// The same, from where a reader has stopped: first what has happened behind `since`, as far as it is still known
    /// (`history` keeps messages), then what happens, without a hole in between. Where something is missing the stream begins with
    /// [`Event::Lagged`]; so is told what has given way before the stream came to read it. With `None` it begins now.
    ///
    /// Across a restart nothing is missing for who reads messages alone, of names whose history is durable, if the process before
    /// has [shut down](Self::shutdown): other events are not kept, and what a process that was killed had heard last is not known.
    ///
    /// Of such a stream each event's `cursor` is a place to resume from: all events up to it were told.
    pub fn resume(&self, pattern: Pattern, delivery: Delivery, since: Option<Cursor>) -> Events {
        let Commons { hub, keeper, .. } = &*self.0.commons;
        let selected = pattern.clone();
        hub.resume(pattern, delivery, since, || {
            // Before the names are listed: one that is opened in between is in both, not in neither.
            let lost = keeper.last_unopened(&selected);
            let names = self.0.names.read();
            let gates = names.entries.iter().filter_map(|(name, entry)| {
                let gate: Arc<dyn HasHistory> = Arc::<Gate>::clone(&entry.gate);
                selected.matches(name).then_some(gate)
            });
            (gates.collect(), lost)
        })
    }

    /// Hands the events of all names that the pattern selects to an actor, until it stops. The actor is given by its `Addr`, or as a
    /// `Recipient`.
    pub fn subscribe_actor(
        &self,
        pattern: Pattern,
        recipient: impl Into<Recipient<Event>>,
        delivery: Delivery,
    ) {
        let events = self.subscribe(pattern, delivery);
        let arbiter = self.0.arbiters.get(self.0.arbiters.next());
        // An arbiter that has stopped carries no name either: there is nothing left to hear.
        let _stopped = arbiter.spawn(forward(events, recipient.into()));
    }

    /// Calls back at each event of the names that the pattern selects, on that name's arbiter and in its turn.
    ///
    /// It must not block. A panic in it costs the name its socket, as a panic of its own would.
    pub fn on_event(
        &self,
        pattern: Pattern,
        callback: impl Fn(&Event) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.0.commons.hub.callback(pattern, callback)
    }
}
