//! Numbers the events of a name, and publishes them.

use std::{cell::RefCell, sync::Arc, task::Waker, time::Instant};

use jiff::Timestamp;

use crate::{
    core::{ConnectionName, Cursor, EventCounter, Message},
    events::Stamp,
    hub::{HistoryRef, Hub, Listeners, NewEvents, Room},
};

/// Numbers the events of a name, and publishes them.
pub(in crate::connection) struct Publisher {
    event_counter: EventCounter,
    listeners: Listeners,
    /// The wall clock of this turn, read once.
    wall: Option<Timestamp>,
    /// The text of a callback's panic, until it is taken. Boxed twice: an actor's memory comes in
    /// steps of 128 bytes.
    callback_panic: Option<Box<Box<str>>>,
    /// The state within a turn. Its memory belongs to the thread.
    turn: Option<Box<Turn>>,
}

/// What a name has read in a turn.
#[derive(Default)]
struct Turn {
    /// Messages that are not published yet.
    waiting: NewEvents,
    /// How much may be published before subscribers are asked again.
    room: Room,
}

thread_local! {
    /// Lent to the names of a thread one after the other.
    static SPARE: RefCell<Option<Box<Turn>>> = const { RefCell::new(None) };
}

fn lend() -> Box<Turn> {
    SPARE.take().unwrap_or_default()
}

/// The thread keeps memory for this many messages.
const KEPT: usize = 1024;

impl Publisher {
    /// The publisher of a name in this epoch.
    pub fn new(epoch: u32) -> Self {
        Self {
            event_counter: EventCounter::new(epoch),
            listeners: Listeners::default(),
            wall: None,
            callback_panic: None,
            turn: None,
        }
    }

    /// The epoch of the events.
    pub fn epoch(&self) -> u32 {
        self.event_counter.epoch()
    }

    /// Starts the numbers again for this epoch, if it is a later one.
    pub fn begin_epoch(&mut self, epoch: u32) {
        if epoch > self.event_counter.epoch() {
            self.event_counter = EventCounter::new(epoch);
        }
    }

    /// Sets the wall clock of this turn; `None`: read it when it is needed.
    pub fn set_wall(&mut self, wall: Option<Timestamp>) {
        self.wall = wall;
    }

    /// The wall clock of this turn.
    pub fn wall(&mut self) -> Timestamp {
        *self.wall.get_or_insert_with(Timestamp::now)
    }

    /// Adds an incoming message. It is published with the following ones when the turn ends, or
    /// before another event.
    #[inline]
    pub fn message(&mut self, message: Message) {
        self.turn_for(message.len()).waiting.message(message);
    }

    /// Adds an incoming message with the key of its subscription.
    pub fn routed(&mut self, message: Message, key: Arc<str>) {
        self.turn_for(message.len()).waiting.routed(message, key);
    }

    /// The turn, with this many more payload bytes.
    #[inline]
    fn turn_for(&mut self, bytes: usize) -> &mut Turn {
        let turn = self.turn.get_or_insert_with(lend);
        turn.room.events = turn.room.events.saturating_sub(1);
        turn.room.bytes = turn.room.bytes.saturating_sub(bytes);
        turn
    }

    /// Whether messages wait to be published.
    pub fn has_waiting(&self) -> bool {
        self.turn
            .as_ref()
            .is_some_and(|turn| !turn.waiting.is_empty())
    }

    /// Publishes the waiting messages.
    pub fn flush(&mut self, hub: &Hub, name: &ConnectionName, history_ref: HistoryRef<'_>) {
        if let Some(mut turn) = self.turn.take() {
            self.publish(hub, name, history_ref, &mut turn.waiting);
            self.turn = Some(turn);
        }
    }

    /// Ends the turn: returns its memory and the remaining room.
    pub fn end_turn(&mut self) {
        if let Some(mut turn) = self.turn.take()
            && turn.waiting.is_empty()
            && turn.waiting.capacity() <= KEPT
        {
            turn.room = Room::NONE;
            SPARE.set(Some(turn));
        }
    }

    /// Numbers events of one kind, keeps them and delivers them to all subscribers.
    pub fn publish(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        history_ref: HistoryRef<'_>,
        events: &mut NewEvents,
    ) {
        let first = Stamp {
            name: name.clone(),
            epoch: self.event_counter.epoch(),
            seq: self.event_counter.advance(events.len() as u64),
            // Its position over all names is set when it is published.
            cursor: Cursor::default(),
            at: self.wall(),
            subscription: None,
        };
        let told = self.listeners.publish(hub, history_ref, first, events);
        if let Err(panic) = told {
            self.callback_panic
                .get_or_insert_with(|| Box::new(panic.into()));
        }
    }

    /// The text of a callback's panic, once.
    pub fn take_panic(&mut self) -> Option<Box<str>> {
        self.callback_panic.take().map(|panic| *panic)
    }

    /// Whether a callback has panicked, and the text was not taken.
    pub fn has_panic(&self) -> bool {
        self.callback_panic.is_some()
    }

    /// Whether a subscriber wants the fate of each message.
    pub fn want_sent(&mut self, hub: &Hub, name: &ConnectionName) -> bool {
        self.listeners.want_sent(hub, name)
    }

    /// Whether subscribers must be asked for room before more is published.
    #[inline]
    pub fn needs_room(&self) -> bool {
        let turn = self.turn.as_ref();
        turn.is_none_or(|turn| turn.room.events == 0 || turn.room.bytes == 0)
    }

    /// Asks for room; `false`: a subscriber with `Overflow::Pause` stops the reading, and the waker
    /// is called when none does any more.
    pub fn ask_for_room(
        &mut self,
        hub: &Hub,
        name: &ConnectionName,
        now: Instant,
        waker: &Waker,
    ) -> bool {
        let room = self.listeners.room(hub, name, now, waker);
        self.turn.get_or_insert_with(lend).room = room.unwrap_or(Room::NONE);
        room.is_some()
    }

    /// The number of subscribers.
    pub fn count(&mut self, hub: &Hub, name: &ConnectionName) -> usize {
        self.listeners.count(hub, name)
    }
}
