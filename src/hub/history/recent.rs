//! The last messages of a name, within bounds.

use super::{
    super::new_events::NewEvents,
    kept::{Item, Kept, Mark},
};
use crate::{
    core::Cursor,
    events::{EventKind, Stamp},
    memory::{Charge, MemoryUse},
    settings::HistorySettings,
};

/// A history of this many bytes may still grow when longer ones may not.
const LITTLE: usize = 16 << 10;

/// The last messages, bounded by number, by payload bytes, by what each name may hold, and by the
/// memory for all names.
#[derive(Debug)]
pub(in crate::hub) struct Recent {
    pub(super) limit: HistorySettings,
    pub(super) kept: Kept,
    pub(super) charge: Charge,
    /// It has dropped messages because of the limit for each name.
    pub(super) held_back: bool,
    /// Messages up to here are not kept any more, or never were.
    pub(super) lost_through: Cursor,
    /// Messages up to here were handed to the store.
    pub(super) stored_through: Cursor,
    /// Messages up to here may have been dropped before they were handed to the store.
    pub(super) missed_through: Cursor,
    /// The store has saved what it was handed up to here.
    pub(super) safe_through: Cursor,
}

impl Recent {
    pub(super) fn new(limit: HistorySettings, start: Cursor, charge: Charge) -> Self {
        Self {
            limit,
            charge,
            kept: Kept::default(),
            held_back: false,
            lost_through: start,
            stored_through: start,
            missed_through: start,
            safe_through: start,
        }
    }

    /// The position of the last message it has seen, kept or not.
    pub(super) fn position(&self) -> Cursor {
        let last = self.kept.last().unwrap_or_default();
        last.max(self.lost_through)
    }

    /// Whether it keeps anything.
    pub fn keeps(&self) -> bool {
        self.limit.messages > 0
    }

    /// Messages up to `through` are not kept.
    pub fn lose(&mut self, through: Cursor) {
        self.lost_through = self.lost_through.max(through);
    }

    /// Keeps new messages, the first of them at `first`. The oldest are dropped first, so that new
    /// messages reuse their memory.
    pub fn push_all(&mut self, first: &Stamp, events: &NewEvents) {
        let mut mark = Mark::from(first);
        if !self.keeps() {
            return self.lose(mark.behind(events.len()));
        }
        let keys = events.keys();
        for (behind, kind) in events.kinds().iter().enumerate() {
            if let EventKind::Message(message) = kind {
                let key = keys.at(behind).map(|key| &**key);
                self.keep(mark, Item::new(message, key));
            }
            mark.advance();
        }
    }

    pub(super) fn keep(&mut self, mark: Mark, item: Item<'_>) {
        if self.limit.messages == 0 {
            self.lost_through = self.lost_through.max(mark.cursor());
            return;
        }
        self.make_room(1, item.message.len());
        if self.charge.bytes() > self.charge.history_level() {
            self.give_way(item);
        }
        let has_place = self.kept.has_place(item);
        if !has_place && !self.find_place(item) {
            self.lost_through = self.lost_through.max(mark.cursor());
            return;
        }
        self.kept.push(mark, item);
        if !has_place {
            self.charge.set(self.kept.footprint());
        }
    }

    /// The limit for each name is below what this one holds: drops the oldest until one more
    /// message fits, or nothing is left.
    #[cold]
    fn give_way(&mut self, item: Item<'_>) {
        self.held_back = true;
        let (level, need) = (self.charge.history_level(), item.need());
        while self.kept.needed() + need > level && self.let_go() {}
        self.shrink(0);
    }

    /// Finds memory for one more message: new memory, or that of the oldest if the limits allow no
    /// more. A single message may exceed the limit for each name if nothing else is kept beside it
    /// and there is memory.
    fn find_place(&mut self, item: Item<'_>) -> bool {
        let most = self.limit.messages;
        let has_memory = self.has_memory(item);
        let bound = match has_memory {
            true => self.charge.history_level(),
            false => self.kept.footprint(),
        };
        loop {
            let room = bound.saturating_sub(self.kept.footprint());
            if self.kept.make_place(item, most, room) {
                return true;
            }
            self.held_back |= has_memory;
            if !self.kept.can_have_place_of_others(item)
                && self.kept.needed() + item.need() <= bound
            {
                self.kept.shrink(0);
                let room = bound.saturating_sub(self.kept.footprint());
                if self.kept.make_place(item, most, room) {
                    return true;
                }
            }
            if !self.let_go() {
                break;
            }
        }
        self.shrink(0);
        has_memory && self.kept.make_place(item, most, usize::MAX)
    }

    /// Whether there is memory for one more.
    fn has_memory(&self, item: Item<'_>) -> bool {
        let needed = item.most();
        // A short history must not lose memory to the longest ones, which are trimmed soon.
        let of = match self.charge.bytes() + needed <= LITTLE {
            true => MemoryUse::Readers,
            false => MemoryUse::Histories,
        };
        self.charge.has_room_of(of, needed)
    }

    /// Drops the oldest; `false` if there is none.
    #[inline]
    pub(super) fn let_go(&mut self) -> bool {
        let oldest = self.kept.pop();
        self.lost_through = self.lost_through.max(oldest.unwrap_or_default());
        oldest.is_some()
    }

    /// Frees the memory beyond what `messages` messages need.
    pub(super) fn shrink(&mut self, messages: usize) {
        self.kept.shrink(messages);
        self.charge.set(self.kept.footprint());
    }

    /// Drops the oldest until `messages` messages of `bytes` bytes have room. The newest has room
    /// whatever its size.
    pub(super) fn make_room(&mut self, messages: usize, bytes: usize) {
        while self.exceeds(messages, bytes) && self.let_go() {}
    }

    #[inline]
    fn exceeds(&self, messages: usize, bytes: usize) -> bool {
        let messages = self.kept.len() + messages;
        messages > self.limit.messages
            || (self.kept.bytes() + bytes > self.limit.bytes && messages > 1)
    }
}
