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

/// A reader may always have this much waiting, in bytes, so that events arrive even when memory is
/// short.
const LITTLE: usize = 16 << 10;

/// How many paused names a queue remembers to wake. Beyond that all of them poll again at the next
/// event.
const MAX_WAKERS: usize = 16_384;

/// Names that run at the same time each take this part of the free room before they ask again. Up
/// to this many together cannot exceed it.
const SHARES: usize = 8;

/// How much a name may publish before it asks again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub events: usize,
    pub bytes: usize,
}

impl Room {
    /// Nobody pauses names.
    pub const UNLIMITED: Self = Self {
        events: usize::MAX,
        bytes: usize::MAX,
    };

    /// The name has to ask first.
    pub const NONE: Self = Self {
        events: 0,
        bytes: 0,
    };

    /// The smaller of both.
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
    /// The memory of what the reader of a stream got last.
    handed: usize,
    missed: u64,
    account: Account,
    closed: bool,
    full_since: Option<Instant>,
    reader: Reader,
    paused: Vec<Waker>,
}

/// The reader that the next event wakes.
#[derive(Debug, Default)]
pub(super) enum Reader {
    /// None: it is reading already, or holds a batch.
    #[default]
    None,
    Task(Waker),
    Actor,
}

/// Counters that all queues share.
#[derive(Debug)]
pub(super) struct Account {
    /// Missed events, never reset.
    pub missed: Arc<AtomicU64>,
    /// The memory of waiting events and of those that the reader holds.
    pub charge: Charge,
    /// Where shared JSON is counted.
    pub json: Arc<JsonMemory>,
}

/// What a reader takes out of the queue.
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

    /// Adds events. Returns the reader if it must be woken once the lock is released.
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
            // A name asks before it reads on, so only events that were under way can exceed the
            // bound. As much again is an error.
            Overflow::Pause if self.is_over(2) => self.cut(),
            Overflow::Disconnect | Overflow::Pause => {}
        }
        std::mem::take(&mut self.reader)
    }

    /// Whether there is memory for the waiting events.
    fn has_memory(&mut self) -> bool {
        let memory = self.memory();
        if memory <= LITTLE {
            self.account.charge.set(memory);
            return true;
        }
        self.account.charge.try_set(memory).is_ok()
    }

    /// The memory of the waiting and the lent events, in bytes.
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
            // Names now wait until it is read.
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

    /// Keeps the newest, even if a held batch alone reaches the bound.
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

    /// Cuts the subscriber off: unread events are counted, not kept.
    fn cut(&mut self) {
        self.closed = true;
        self.miss(self.waiting.events);
        self.spans = VecDeque::new();
        self.waiting = Amount::default();
        self.charge();
    }

    /// How much a name may publish before it asks again; `None`: it should stop reading until
    /// `waker` is woken. Also returns the reader to wake if it was cut off here.
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

    /// Hands all waiting events to the reader of a stream, in `into`, which is empty; they stop
    /// counting. If there are none, stores the reader's waker.
    pub fn take(&mut self, into: VecDeque<Span>, reader: &Waker) -> Taken {
        let mut taken = self.take_all(into, || Reader::Task(reader.clone()));
        self.handed = taken.amount.memory();
        taken.wake = std::mem::take(&mut self.paused);
        self.charge();
        taken
    }

    /// Hands out all waiting events as a batch, which counts until its [release](Self::release). If
    /// there are none, stores `reader`.
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

    /// A batch was dropped. Returns the names that may go on, and whether events wait; if none do,
    /// stores `reader`.
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

    /// The reader is gone.
    pub fn close(&mut self) -> Vec<Waker> {
        self.cut();
        self.reader = Reader::None;
        std::mem::take(&mut self.paused)
    }
}
