//! The work queue, name by name: which messages are in memory, which are read again later, and the
//! order of sending. Without a clock, a socket or a server.
//!
//! The server delivers messages of all names in order. A name holds a limited number of them;
//! further ones are dropped from memory and read again from the stream, by subject, when there is
//! room. So a name that is down uses the server's disk, but no memory and no turn of its
//! neighbours.
//!
//! ```text
//! delivered ─► held ─► sent ─► settled: acknowledged
//!    └──► behind ┘        └─ in doubt: sent again
//! ```

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use everwire::ConnectionName;

/// The limits in memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Messages of a name.
    pub messages: usize,
    /// Payload bytes of a name, not counting its first message.
    pub bytes: usize,
    /// Payload bytes of all names, not counting the first message of each.
    pub all_bytes: usize,
    /// Payload bytes of all names, including first messages.
    pub first_bytes: usize,
    /// How many names may read messages again at the same time.
    pub reads: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: 128,
            bytes: 1 << 20,
            all_bytes: 64 << 20,
            first_bytes: 256 << 20,
            reads: 64,
        }
    }
}

/// A queued message.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<T> {
    /// Its sequence number in the stream.
    pub sequence: u64,
    /// Its time in the stream, in nanoseconds. A server that has lost messages assigns their
    /// numbers again.
    pub stored: i128,
    /// Its size in bytes.
    pub bytes: usize,
    /// The subject of its acknowledgement, if the consumer has delivered it. A message that was read
    /// again is deleted instead.
    pub ack: Option<String>,
    /// Its payload, and where its answer goes.
    pub content: T,
}

/// What happens with a delivered message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is held.
    Held,
    /// It is read again later.
    Behind,
    /// It is known already, and not sent again.
    Known,
    /// Another message had its number: it is another stream, and all knowledge of the earlier one is
    /// void.
    OtherStream,
}

/// The next action.
#[derive(Debug, PartialEq)]
pub enum Action<T> {
    /// Send through the name: [`Queues::sent`] or [`Queues::waits`] or [`Queues::settled`].
    Send(ConnectionName, Item<T>),
    /// Read the next message of the name from this number of the stream on: [`Queues::read`].
    Read(ConnectionName, u64),
}

/// Messages of one name.
#[derive(Debug)]
struct Queue<T> {
    /// In order. The first `sent` of them are in flight.
    held: VecDeque<Item<T>>,
    sent: usize,
    bytes: usize,
    behind: Option<Behind>,
    /// How many may be in flight.
    depth: usize,
    /// Nothing is sent before this time.
    rests: Option<Instant>,
    is_queued: bool,
}

/// Messages that were delivered and dropped from memory.
#[derive(Clone, Copy, Debug)]
struct Behind {
    /// The number of the next one, or a lower bound of it.
    next: u64,
    /// The last one.
    through: u64,
    is_read: bool,
}

/// The queues of all names.
#[derive(Debug)]
pub struct Queues<T> {
    limits: Limits,
    names: HashMap<ConnectionName, Queue<T>>,
    turns: VecDeque<ConnectionName>,
    bytes: usize,
    reads: usize,
}

impl<T> Queue<T> {
    fn new() -> Self {
        Self {
            held: VecDeque::new(),
            sent: 0,
            bytes: 0,
            behind: None,
            depth: 1,
            rests: None,
            is_queued: false,
        }
    }

    fn position(&self, sequence: u64) -> Option<usize> {
        self.held
            .binary_search_by_key(&sequence, |item| item.sequence)
            .ok()
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.behind.is_none()
    }
}

impl<T: Clone> Queues<T> {
    /// Without messages.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            names: HashMap::new(),
            turns: VecDeque::new(),
            bytes: 0,
            reads: 0,
        }
    }

    /// How many messages are held in memory.
    pub fn held(&self) -> usize {
        self.names.values().map(|queue| queue.held.len()).sum()
    }

    /// How many names have messages that must be read again.
    pub fn behind(&self) -> usize {
        let is_behind = |queue: &&Queue<T>| queue.behind.is_some();
        self.names.values().filter(is_behind).count()
    }

    /// The consumer has delivered a message.
    pub fn delivered(&mut self, name: &ConnectionName, item: Item<T>) -> Delivered {
        let all_bytes = self.bytes;
        let queue = self.names.entry(name.clone()).or_insert_with(Queue::new);
        if let Some(known) = queue.position(item.sequence) {
            // A new consumer has delivered it again.
            return match queue.held.get_mut(known) {
                Some(known) if known.stored == item.stored => {
                    known.ack = item.ack;
                    Delivered::Known
                }
                _ => Delivered::OtherStream,
            };
        }
        if let Some(behind) = &mut queue.behind {
            behind.through = behind.through.max(item.sequence);
            behind.next = behind.next.min(item.sequence);
            return Delivered::Behind;
        }
        let is_late = queue
            .held
            .back()
            .is_some_and(|last| last.sequence > item.sequence);
        let is_full = match queue.held.is_empty() {
            true => all_bytes >= self.limits.first_bytes,
            false => {
                queue.held.len() >= self.limits.messages
                    || queue.bytes + item.bytes > self.limits.bytes
                    || all_bytes + item.bytes > self.limits.all_bytes
            }
        };
        if is_full || is_late {
            queue.behind = Some(Behind {
                next: item.sequence,
                through: item.sequence,
                is_read: false,
            });
            return Delivered::Behind;
        }
        self.hold(name, item);
        Delivered::Held
    }

    /// The result of a read: the next message of the name, none, or an error.
    pub fn read(&mut self, name: &ConnectionName, found: Result<Option<Item<T>>, ()>) {
        self.reads = self.reads.saturating_sub(1);
        let Some(queue) = self.names.get_mut(name) else {
            return;
        };
        let Some(behind) = &mut queue.behind else {
            return;
        };
        behind.is_read = false;
        match found {
            Err(()) => {}
            Ok(Some(item)) if item.sequence <= behind.through => {
                behind.next = item.sequence + 1;
                if behind.next > behind.through {
                    queue.behind = None;
                }
                let is_known = queue.position(item.sequence).is_some();
                let is_late = queue
                    .held
                    .back()
                    .is_some_and(|last| last.sequence > item.sequence);
                if !is_known && !is_late {
                    self.hold(name, item);
                }
            }
            // Later messages come from the consumer.
            Ok(Some(_) | None) => queue.behind = None,
        }
        self.enqueue(name);
        self.forget(name);
    }

    fn hold(&mut self, name: &ConnectionName, item: Item<T>) {
        if let Some(queue) = self.names.get_mut(name) {
            queue.bytes += item.bytes;
            self.bytes += item.bytes;
            queue.held.push_back(item);
        }
        self.enqueue(name);
    }

    /// The next action; `None` if there is none before further input or a deadline.
    pub fn next(&mut self, now: Instant) -> Option<Action<T>> {
        while let Some(name) = self.turns.pop_front() {
            let Some(queue) = self.names.get_mut(&name) else {
                continue;
            };
            queue.is_queued = false;
            let has_room = queue.held.len() <= self.limits.messages / 2
                && queue.bytes <= self.limits.bytes / 2
                && (self.bytes <= self.limits.all_bytes / 2
                    || (queue.held.is_empty() && self.bytes < self.limits.first_bytes));
            if let Some(behind) = &mut queue.behind
                && !behind.is_read
                && has_room
                && self.reads < self.limits.reads
            {
                behind.is_read = true;
                self.reads += 1;
                let next = behind.next;
                self.enqueue(&name);
                return Some(Action::Read(name, next));
            }
            if queue.rests.is_some_and(|until| until > now) || queue.sent >= queue.depth {
                continue;
            }
            queue.rests = None;
            let Some(item) = queue.held.get(queue.sent).cloned() else {
                continue;
            };
            queue.sent += 1;
            self.enqueue(&name);
            return Some(Action::Send(name, item));
        }
        None
    }

    /// Sets how many messages of a name may be in flight: with more than one, later ones could
    /// overtake one in doubt, unless the name resends that one by itself.
    pub fn set_depth(&mut self, name: &ConnectionName, depth: usize) {
        if let Some(queue) = self.names.get_mut(name) {
            queue.depth = depth.max(1);
        }
    }

    /// The name accepts no message now: this one and later ones wait.
    pub fn waits(&mut self, name: &ConnectionName, sequence: u64, until: Instant) {
        let Some(queue) = self.names.get_mut(name) else {
            return;
        };
        if let Some(position) = queue.position(sequence) {
            queue.sent = queue.sent.min(position);
        }
        queue.rests = Some(until);
    }

    /// A message is done, and removed from memory.
    pub fn settled(&mut self, name: &ConnectionName, sequence: u64) -> Option<Item<T>> {
        let queue = self.names.get_mut(name)?;
        let position = queue.position(sequence)?;
        let item = queue.held.remove(position)?;
        if position < queue.sent {
            queue.sent -= 1;
        }
        queue.bytes -= item.bytes;
        self.bytes -= item.bytes;
        self.enqueue(name);
        self.forget(name);
        Some(item)
    }

    /// Continues names whose pause has ended, or that wait for room.
    pub fn tick(&mut self, now: Instant) {
        let is_due =
            |queue: &Queue<T>| queue.rests.is_none_or(|until| until <= now) && !queue.is_empty();
        let due = self.names.iter().filter(|(_, queue)| is_due(queue));
        let due: Vec<_> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            self.enqueue(&name);
        }
    }

    /// The connection was lost: reads are started again.
    pub fn disconnected(&mut self) {
        self.reads = 0;
        for queue in self.names.values_mut() {
            if let Some(behind) = &mut queue.behind {
                behind.is_read = false;
            }
        }
    }

    fn enqueue(&mut self, name: &ConnectionName) {
        if let Some(queue) = self.names.get_mut(name)
            && !queue.is_queued
            && !queue.is_empty()
        {
            queue.is_queued = true;
            self.turns.push_back(name.clone());
        }
    }

    fn forget(&mut self, name: &ConnectionName) {
        if self.names.get(name).is_some_and(Queue::is_empty) {
            self.names.remove(name);
        }
    }
}

/// How long a name rests after it took no message.
pub const REST: Duration = Duration::from_millis(100);
