//! The last messages of a name, within their bounds.

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

/// A history of so many bytes may still grow where others must not.
const LITTLE: usize = 16 << 10;

/// The last messages, bounded by their number and the bytes of their payloads, by what each name may hold, and by the memory that there
/// is for all.
#[derive(Debug)]
pub(in crate::hub) struct Recent {
    pub(super) limit: HistorySettings,
    pub(super) kept: Kept,
    pub(super) charge: Charge,
    /// It has let go of something because no name may hold more.
    pub(super) held_back: bool,
    /// Messages up to here are not kept any more, or never were.
    pub(super) lost_through: Cursor,
    /// Messages up to here were handed to the store.
    pub(super) stored_through: Cursor,
    /// Messages up to here may have gone before they were handed to it.
    pub(super) missed_through: Cursor,
    /// The store has what was handed to it up to here.
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

    /// The place of the last message that it ever heard of, kept or not.
    pub(super) fn position(&self) -> Cursor {
        let last = self.kept.last().unwrap_or_default();
        last.max(self.lost_through)
    }

    /// Whether it keeps anything.
    pub fn keeps(&self) -> bool {
        self.limit.messages > 0
    }

    /// What came up to here is not kept.
    pub fn lose(&mut self, through: Cursor) {
        self.lost_through = self.lost_through.max(through);
    }

    /// Keeps what came, the first of it at `first`, and lets go of the oldest. They go first: then the new one takes the place of the oldest.
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

    /// No name may hold as much as this one does: the oldest go until it has place for one more below that, or is empty.
    #[cold]
    fn give_way(&mut self, item: Item<'_>) {
        self.held_back = true;
        let (level, need) = (self.charge.history_level(), item.need());
        while self.kept.needed() + need > level && self.let_go() {}
        self.shrink(0);
    }

    /// Finds place for one more: new memory, or that of the oldest where this name may hold no more, or no name may. What nothing else is
    /// kept beside may be longer than that, as long as there is memory.
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
        // Who has said little must not lose it to those who hold most: they are trimmed soon.
        let of = match self.charge.bytes() + needed <= LITTLE {
            true => MemoryUse::Readers,
            false => MemoryUse::Histories,
        };
        self.charge.has_room_of(of, needed)
    }

    /// Lets go of the oldest; `false` if there is none.
    #[inline]
    pub(super) fn let_go(&mut self) -> bool {
        let oldest = self.kept.pop();
        self.lost_through = self.lost_through.max(oldest.unwrap_or_default());
        oldest.is_some()
    }

    /// Gives back the memory of what more than so many messages need.
    pub(super) fn shrink(&mut self, messages: usize) {
        self.kept.shrink(messages);
        self.charge.set(self.kept.footprint());
    }

    /// Lets go of the oldest until so many messages, of so many bytes in all, have room. The newest one has it whatever its size.
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
