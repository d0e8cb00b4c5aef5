//! The subscribers of a name, and how it publishes to them.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Waker,
    time::Instant,
};

use super::{
    listener::Listener,
    new_events::NewEvents,
    queue::Room,
    registry::{HistoryRef, Hub},
    run::Run,
};
use crate::{
    core::ConnectionName,
    events::{EventKind, Stamp},
};

/// The subscribers of one name, as cached by that name.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// The subscribers up to this generation were matched against the name.
    generation: u64,
    list: Box<[Arc<Listener>]>,
    /// The kinds that at least one of them wants.
    wanted: u32,
    any_resumes: bool,
    any_pauses: bool,
}

/// The result of giving events their positions.
enum Placed {
    /// No positions were given: the list of listeners has changed meanwhile.
    Not,
    /// Nobody wants the events; whatever keeps them has them.
    Unwanted,
    /// They have positions, and nobody shares them yet.
    Alone,
    /// They have positions, and are shared with the subscribers that may resume.
    Shared(Arc<Run>),
}

impl Listeners {
    /// Updates the list.
    #[inline]
    fn current(&mut self, hub: &Hub, name: &ConnectionName) -> &[Arc<Listener>] {
        let generation = hub.generation.load(Ordering::Acquire);
        if self.generation != generation {
            self.renew(hub, name);
        }
        &self.list
    }

    /// Adds new subscribers that match, and removes those that have gone.
    #[cold]
    fn renew(&mut self, hub: &Hub, name: &ConnectionName) {
        let mut list = std::mem::take(&mut self.list).into_vec();
        list.retain(|listener| !listener.is_removed());
        let subscribers = hub.subscribers.read();
        let new = subscribers.behind(self.generation);
        list.extend(new.filter(|listener| listener.matches(name)).cloned());
        self.generation = hub.generation.load(Ordering::Acquire);
        drop(subscribers);
        self.any_resumes = list.iter().any(|listener| listener.resumes());
        self.any_pauses = list.iter().any(|listener| listener.pauses());
        self.wanted = list
            .iter()
            .fold(0, |all, listener| all | listener.kinds().bits());
        self.list = list.into();
    }

    /// Whether a subscriber wants the fate of each message.
    pub fn want_sent(&mut self, hub: &Hub, name: &ConnectionName) -> bool {
        self.current(hub, name);
        self.wanted & (1 << EventKind::SENT) != 0
    }

    /// The number of listeners, without those that are left out.
    pub fn count(&mut self, hub: &Hub, name: &ConnectionName) -> usize {
        let list = self.current(hub, name).iter();
        list.filter(|listener| listener.is_counted()).count()
    }

    /// Gives events of one kind their numbers and positions, keeps them, and delivers them.
    /// `events` is empty afterwards. The error is the text of a callback's panic.
    pub fn publish(
        &mut self,
        hub: &Hub,
        history_ref: HistoryRef<'_>,
        mut first: Stamp,
        events: &mut NewEvents,
    ) -> Result<(), String> {
        let Some(number) = events.kinds().first().map(EventKind::number) else {
            return Ok(());
        };
        // A new subscriber asks for kept events before it gets new ones, and must find each event
        // in one of the two. Therefore an event is kept only for the same listeners that it is
        // delivered to.
        let result = loop {
            match self.place(hub, history_ref, number, &mut first, events) {
                Placed::Not => {}
                Placed::Unwanted => break Ok(()),
                Placed::Alone => break self.tell(first, number, events),
                Placed::Shared(run) => {
                    let result = self.call_with(&run, number);
                    self.push(run, number);
                    break result;
                }
            }
        };
        events.clear();
        result
    }

    /// Gives the events positions and keeps them. Subscribers that may resume get them now.
    fn place(
        &mut self,
        hub: &Hub,
        history_ref: HistoryRef<'_>,
        number: u8,
        first: &mut Stamp,
        events: &mut NewEvents,
    ) -> Placed {
        self.current(hub, &first.name);
        let is_wanted = self.wanted & (1 << number) != 0;
        let order = (self.any_resumes && is_wanted).then(|| hub.order.lock());
        let generation = self.generation;
        let is_current = || hub.generation.load(Ordering::Acquire) == generation;
        if !hub.keep(history_ref, is_current, is_wanted, first, events) {
            return Placed::Not;
        }
        if order.is_none() {
            return match is_wanted {
                true => Placed::Alone,
                false => Placed::Unwanted,
            };
        }
        let run = Run::take(first.clone(), events);
        let resuming = self.list.iter().filter(|listener| listener.resumes());
        for listener in resuming.filter(|listener| listener.kinds().wants(number)) {
            listener.push_run(Arc::clone(&run));
        }
        Placed::Shared(run)
    }

    /// Delivers events to all subscribers that want them; none of these resumes.
    fn tell(&self, first: Stamp, number: u8, events: &mut NewEvents) -> Result<(), String> {
        let result = self.call(&first, number, events);
        let has_queue =
            |listener: &&Arc<Listener>| !listener.is_called() && listener.kinds().wants(number);
        if self.list.iter().any(|listener| has_queue(&listener)) {
            self.push(Run::take(first, events), number);
        }
        result
    }

    fn call(&self, first: &Stamp, number: u8, events: &mut NewEvents) -> Result<(), String> {
        self.called(number)
            .map(|listener| listener.call(first, events))
            .fold(Ok(()), Result::and)
    }

    /// Calls back with events that others have, too: callbacks get handles of their own.
    fn call_with(&self, run: &Run, number: u8) -> Result<(), String> {
        match self.called(number).next() {
            Some(_) => self.call(run.first(), number, &mut run.to_events()),
            None => Ok(()),
        }
    }

    fn called(&self, number: u8) -> impl Iterator<Item = &Arc<Listener>> {
        let called = self.list.iter().filter(|listener| listener.is_called());
        called.filter(move |listener| listener.kinds().wants(number))
    }

    /// Queues the run for subscribers that do not resume. The last gets the run itself, so that a
    /// single reader does not touch reference counts.
    fn push(&self, run: Arc<Run>, number: u8) {
        let mut queues = self.list.iter().filter(|listener| {
            !listener.is_called() && !listener.resumes() && listener.kinds().wants(number)
        });
        let Some(mut next) = queues.next() else {
            return;
        };
        for after in queues {
            next.push_run(Arc::clone(&run));
            next = after;
        }
        next.push_run(run);
    }

    /// How much may be published before this is asked again; `None` if a subscriber with
    /// `Overflow::Pause` has no room, and then `waker` is woken when it has. A subscriber without
    /// room for too long is cut off, and does not count.
    pub fn room(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        now: Instant,
        waker: &Waker,
    ) -> Option<Room> {
        self.current(hub, name);
        if !self.any_pauses {
            return Some(Room::UNLIMITED);
        }
        let pausing = self.list.iter().filter(|listener| listener.pauses());
        let mut room = Some(Room::UNLIMITED);
        for listener in pausing {
            // Asks all: each has to store the waker.
            let one = listener.room(now, waker);
            room = room.zip(one).map(|(all, one)| all.and(one));
        }
        room
    }
}
