//! The bounded queue between a name and a subscriber.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use super::delivery::{Delivery, Overflow};
use crate::{events::Event, memory::Charge};

/// How long a subscriber may keep sockets paused before it is cut off.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// As much a reader may have waiting whatever others hold, in bytes: what happens to names is told when memory is short, too.
const LITTLE: usize = 16 << 10;

/// How many paused names a queue remembers to wake. Beyond that all of them poll again at the next event.
const MAX_WAKERS: usize = 16_384;

/// The events that wait for one subscriber.
#[derive(Debug)]
pub(super) struct Queue {
    delivery: Delivery,
    events: VecDeque<Event>,
    bytes: usize,
    /// The memory of what the reader was handed last.
    handed: usize,
    missed: u64,
    account: Account,
    closed: bool,
    full_since: Option<Instant>,
    reader: Option<Waker>,
    paused: Vec<Waker>,
}

/// Where a queue counts what concerns all of them.
#[derive(Debug)]
pub(super) struct Account {
    /// Events that were missed, never reset.
    pub missed: Arc<AtomicU64>,
    /// The memory of what waits and of what the reader was handed.
    pub charge: Charge,
}

/// What a reader finds.
pub(super) struct Batch {
    /// How many events were dropped before those that follow.
    pub missed: u64,
    /// Whether nothing will follow.
    pub closed: bool,
    /// Names that waited for room, to be woken once the lock is released.
    pub wake: Vec<Waker>,
}

impl Queue {
    pub fn new(delivery: Delivery, account: Account) -> Self {
        Self {
            delivery,
            events: VecDeque::new(),
            bytes: 0,
            handed: 0,
            missed: 0,
            account,
            closed: false,
            full_since: None,
            reader: None,
            paused: Vec::new(),
        }
    }

    /// Adds an event; returns the reader's waker, to be woken once the lock is released.
    pub fn push(&mut self, event: Event) -> Option<Waker> {
        if self.closed {
            self.miss(1);
            return None;
        }
        self.bytes += event.payload_len();
        self.events.push_back(event);
        if !self.has_memory() {
            self.go_without_memory();
            return self.reader.take();
        }
        match self.delivery.overflow {
            Overflow::Drop => self.drop_oldest(),
            Overflow::Disconnect if self.is_over(1) => self.cut(),
            // A name asks before it reads on, so only what was already under way comes on top: a fault if it is as much again.
            Overflow::Pause if self.is_over(2) => self.cut(),
            Overflow::Disconnect | Overflow::Pause => {}
        }
        self.reader.take()
    }

    /// Whether there is memory for what waits by now.
    fn has_memory(&mut self) -> bool {
        let held = self.held();
        if held <= LITTLE {
            self.account.charge.set(held);
            return true;
        }
        self.account.charge.try_set(held).is_ok()
    }

    /// The memory of what waits and of what the reader was handed, in bytes.
    fn held(&self) -> usize {
        self.events.capacity() * size_of::<Event>() + self.bytes + self.handed
    }

    fn go_without_memory(&mut self) {
        match self.delivery.overflow {
            Overflow::Drop => {
                while self.drop_one() && !self.has_memory() {}
                if self.events.is_empty() {
                    self.events = VecDeque::new();
                    self.account.charge.set(self.handed);
                }
            }
            Overflow::Disconnect => self.cut(),
            Overflow::Pause if self.is_over(2) => self.cut(),
            // Names wait from now on, until it is read.
            Overflow::Pause => {
                let held = self.held();
                self.account.charge.set(held);
            }
        }
    }

    fn is_over(&self, times: usize) -> bool {
        self.events.len() > self.delivery.events.saturating_mul(times)
            || (self.bytes > self.delivery.bytes.saturating_mul(times) && self.events.len() > 1)
    }

    fn drop_oldest(&mut self) {
        while self.is_over(1) && self.drop_one() {}
    }

    fn drop_one(&mut self) -> bool {
        let oldest = self.events.pop_front();
        if let Some(oldest) = &oldest {
            self.bytes -= oldest.payload_len();
            self.miss(1);
        }
        oldest.is_some()
    }

    fn miss(&mut self, events: u64) {
        self.missed = self.missed.saturating_add(events);
        self.account.missed.fetch_add(events, Ordering::Relaxed);
    }

    /// The end for this subscriber: what it has not read is counted, not kept.
    fn cut(&mut self) {
        self.closed = true;
        self.miss(self.events.len() as u64);
        self.events = VecDeque::new();
        self.bytes = 0;
        self.account.charge.set(self.handed);
    }

    /// Whether names should not read on for now.
    pub fn is_paused(&mut self, now: Instant, waker: &Waker) -> bool {
        if self.closed || self.delivery.overflow != Overflow::Pause || self.has_room() {
            self.full_since = None;
            return false;
        }
        let since = *self.full_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= PAUSE_MAX {
            self.cut();
            for waker in self.paused.drain(..).chain(self.reader.take()) {
                waker.wake();
            }
            return false;
        }
        if self.paused.len() < MAX_WAKERS && !self.paused.iter().any(|known| known.will_wake(waker))
        {
            self.paused.push(waker.clone());
        }
        true
    }

    fn has_room(&self) -> bool {
        self.events.len() < self.delivery.events
            && self.bytes < self.delivery.bytes
            && (self.events.is_empty() || self.account.charge.has_room(1))
    }

    /// Hands over all that waits, into `into`, which is empty. Leaves the reader's waker behind if that is nothing.
    pub fn take(&mut self, into: &mut VecDeque<Event>, reader: &Waker) -> Batch {
        std::mem::swap(&mut self.events, into);
        self.handed = match into.is_empty() {
            true => 0,
            false => into.capacity() * size_of::<Event>() + self.bytes,
        };
        self.bytes = 0;
        let held = self.held();
        self.account.charge.set(held);
        self.full_since = None;
        let batch = Batch {
            missed: std::mem::take(&mut self.missed),
            closed: self.closed,
            wake: std::mem::take(&mut self.paused),
        };
        if into.is_empty() && batch.missed == 0 && !batch.closed {
            self.reader = Some(reader.clone());
        }
        batch
    }

    /// Nobody reads any more.
    pub fn close(&mut self) -> Vec<Waker> {
        self.cut();
        std::mem::take(&mut self.paused)
    }
}
