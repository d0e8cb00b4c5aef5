//! The bounded queue between names and a subscriber.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    amount::Amount,
    delivery::{Delivery, Overflow},
    json::JsonMemory,
    run::Span,
};
use crate::memory::Charge;

/// How long a subscriber may keep sockets paused before it is cut off.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// As much a reader may have waiting whatever others hold, in bytes: what happens to names is told when memory is short, too.
const LITTLE: usize = 16 << 10;

/// How many paused names a queue remembers to wake. Beyond that all of them poll again at the next event.
const MAX_WAKERS: usize = 16_384;

/// Names that have their turn at the same time each take this part of what room there is before they ask again: together they
/// take no more than there is, unless they are more.
const SHARES: usize = 8;

/// How much a name may tell before it asks again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub events: usize,
    pub bytes: usize,
}

impl Room {
    /// Nobody asks names to wait.
    pub const UNLIMITED: Self = Self {
        events: usize::MAX,
        bytes: usize::MAX,
    };

    /// It has to ask first.
    pub const NONE: Self = Self {
        events: 0,
        bytes: 0,
    };

    /// As much as both have.
    pub fn and(self, other: Self) -> Self {
        Self {
            events: self.events.min(other.events),
            bytes: self.bytes.min(other.bytes),
        }
    }
}

/// The events that wait for one subscriber.
#[derive(Debug)]
pub(super) struct Queue {
    delivery: Delivery,
    spans: VecDeque<Span>,
    waiting: Amount,
    /// In batches that were handed out and are still held.
    held: Amount,
    /// The memory of what the reader of a stream was handed last.
    handed: usize,
    missed: u64,
    account: Account,
    closed: bool,
    full_since: Option<Instant>,
    reader: Reader,
    paused: Vec<Waker>,
}

/// Who is to be woken by the next event.
#[derive(Debug, Default)]
pub(super) enum Reader {
    /// Nobody: it reads already, or holds a batch.
    #[default]
    None,
    Task(Waker),
    Actor,
}

/// Where a queue counts what concerns all of them.
#[derive(Debug)]
pub(super) struct Account {
    /// Events that were missed, never reset.
    pub missed: Arc<AtomicU64>,
    /// The memory of what waits and of what the reader was handed.
    pub charge: Charge,
    /// Where the JSON that readers share counts.
    pub json: Arc<JsonMemory>,
}

/// What a reader finds.
#[derive(Default)]
pub(super) struct Taken {
    pub spans: VecDeque<Span>,
    pub amount: Amount,
    /// How many events were dropped before them.
    pub missed: u64,
    /// Whether nothing will follow.
    pub closed: bool,
    /// Names that waited for room, to be woken once the lock is released.
    pub wake: Vec<Waker>,
}

impl Taken {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.missed == 0
    }
}

impl Queue {
    pub fn new(delivery: Delivery, account: Account, reader: Reader) -> Self {
        Self {
            delivery,
            spans: VecDeque::new(),
            waiting: Amount::default(),
            held: Amount::default(),
            handed: 0,
            missed: 0,
            account,
            closed: false,
            full_since: None,
            reader,
            paused: Vec::new(),
        }
    }

    /// Adds events; returns the reader, if it is to be woken once the lock is released.
    pub fn push(&mut self, span: Span) -> Reader {
        if self.closed {
            self.miss(span.len());
            return Reader::None;
        }
        self.waiting += Amount::of(&span);
        self.spans.push_back(span);
        if !self.has_memory() {
            self.go_without_memory();
            return std::mem::take(&mut self.reader);
        }
        match self.delivery.overflow {
            Overflow::Drop => self.drop_oldest(),
            Overflow::Disconnect if self.is_over(1) => self.cut(),
            // A name asks before it reads on, so only what was already under way comes on top: a fault if it is as much again.
            Overflow::Pause if self.is_over(2) => self.cut(),
            Overflow::Disconnect | Overflow::Pause => {}
        }
        std::mem::take(&mut self.reader)
    }

    /// Whether there is memory for what waits by now.
    fn has_memory(&mut self) -> bool {
        let memory = self.memory();
        if memory <= LITTLE {
            self.account.charge.set(memory);
            return true;
        }
        self.account.charge.try_set(memory).is_ok()
    }

    /// The memory of what waits and of what was handed out, in bytes.
    fn memory(&self) -> usize {
        self.waiting.memory() + self.held.memory() + self.handed
    }

    fn charge(&mut self) {
        let memory = self.memory();
        self.account.charge.set(memory);
    }

    fn go_without_memory(&mut self) {
        match self.delivery.overflow {
            Overflow::Drop => {
                while self.drop_one() && !self.has_memory() {}
                if self.spans.is_empty() {
                    self.spans = VecDeque::new();
                    self.charge();
                }
            }
            Overflow::Disconnect => self.cut(),
            Overflow::Pause if self.is_over(2) => self.cut(),
            // Names wait from now on, until it is read.
            Overflow::Pause => self.charge(),
        }
    }

    /// All that counts against the bound.
    fn total(&self) -> Amount {
        let mut total = self.waiting;
        total += self.held;
        total
    }

    fn is_over(&self, times: usize) -> bool {
        let total = self.total();
        total.events > self.delivery.events.saturating_mul(times)
            || (total.bytes > self.delivery.bytes.saturating_mul(times) && total.events > 1)
    }

    /// The newest stays, even where a batch that is held is as much as may wait.
    fn drop_oldest(&mut self) {
        while self.waiting.events > 1 && self.is_over(1) && self.drop_one() {}
    }

    fn drop_one(&mut self) -> bool {
        let Some(oldest) = self.spans.front_mut() else {
            return false;
        };
        let bytes = oldest.drop_first();
        let is_gone = oldest.is_empty();
        if is_gone {
            self.spans.pop_front();
        }
        self.waiting -= Amount {
            events: 1,
            bytes,
            spans: usize::from(is_gone),
        };
        self.miss(1);
        true
    }

    fn miss(&mut self, events: usize) {
        let events = events as u64;
        self.missed = self.missed.saturating_add(events);
        self.account.missed.fetch_add(events, Ordering::Relaxed);
    }

    /// The end for this subscriber: what it has not read is counted, not kept.
    fn cut(&mut self) {
        self.closed = true;
        self.miss(self.waiting.events);
        self.spans = VecDeque::new();
        self.waiting = Amount::default();
        self.charge();
    }

    /// How much a name may tell before it asks again; `None`: it should not read on for now, and `waker` is woken when it may. The reader
    /// is to be woken where it was cut off for this.
    pub fn room(&mut self, now: Instant, waker: &Waker) -> (Option<Room>, Reader) {
        if self.closed || self.delivery.overflow != Overflow::Pause {
            return (Some(Room::UNLIMITED), Reader::None);
        }
        if let Some(room) = self.room_left() {
            self.full_since = None;
            return (Some(room), Reader::None);
        }
        let since = *self.full_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= PAUSE_MAX {
            self.cut();
            self.paused.drain(..).for_each(Waker::wake);
            return (Some(Room::UNLIMITED), std::mem::take(&mut self.reader));
        }
        if self.paused.len() < MAX_WAKERS && !self.paused.iter().any(|known| known.will_wake(waker))
        {
            self.paused.push(waker.clone());
        }
        (None, Reader::None)
    }

    fn room_left(&self) -> Option<Room> {
        let total = self.total();
        let events = self.delivery.events.saturating_sub(total.events);
        let bytes = self.delivery.bytes.saturating_sub(total.bytes);
        let has_memory = total.events == 0 || self.account.charge.has_room(1);
        (events > 0 && bytes > 0 && has_memory).then_some(Room {
            events: events.div_ceil(SHARES),
            bytes: bytes.div_ceil(SHARES),
        })
    }

    /// Hands over all that waits to the reader of a stream, into `into`, which is empty: it counts no more. Leaves the reader's waker
    /// behind if that is nothing.
    pub fn take(&mut self, into: VecDeque<Span>, reader: &Waker) -> Taken {
        let mut taken = self.take_all(into, || Reader::Task(reader.clone()));
        self.handed = taken.amount.memory();
        taken.wake = std::mem::take(&mut self.paused);
        self.charge();
        taken
    }

    /// Hands over all that waits in a batch, which counts until it is [let go of](Self::release). Leaves `reader` behind if that is nothing.
    pub fn take_batch(&mut self, reader: impl FnOnce() -> Reader) -> Taken {
        let mut taken = self.take_all(VecDeque::new(), reader);
        self.held += taken.amount;
        self.handed = 0;
        taken.wake = self.wake_paused();
        self.charge();
        taken
    }

    fn take_all(&mut self, into: VecDeque<Span>, reader: impl FnOnce() -> Reader) -> Taken {
        self.full_since = None;
        let taken = Taken {
            spans: std::mem::replace(&mut self.spans, into),
            amount: std::mem::take(&mut self.waiting),
            missed: std::mem::take(&mut self.missed),
            closed: self.closed,
            wake: Vec::new(),
        };
        if taken.is_empty() && !taken.closed {
            self.reader = reader();
        }
        taken
    }

    /// A batch was let go of. Returns the names that may go on, and whether something waits; if nothing does, `reader` is left behind.
    pub fn release(&mut self, amount: Amount, reader: Reader) -> (Vec<Waker>, bool) {
        self.held -= amount;
        self.full_since = None;
        self.charge();
        let waits = !self.spans.is_empty() || self.missed > 0 || self.closed;
        if !waits && !matches!(reader, Reader::None) {
            self.reader = reader;
        }
        (self.wake_paused(), waits)
    }

    fn wake_paused(&mut self) -> Vec<Waker> {
        match self.room_left() {
            Some(_) => std::mem::take(&mut self.paused),
            None => Vec::new(),
        }
    }

    /// Nobody reads any more.
    pub fn close(&mut self) -> Vec<Waker> {
        self.cut();
        self.reader = Reader::None;
        std::mem::take(&mut self.paused)
    }
}
