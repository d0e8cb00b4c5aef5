//! What a name said last, to be read again by those who were away.

mod kept;

use std::mem;

use everwire_proto::dialogue::Stored;
use parking_lot::Mutex;

pub(super) use self::kept::Place;
use self::kept::{Kept, Mark};
use super::reading::{ReadOn, Room};
use crate::{
    core::{Cursor, Message},
    events::{EventKind, Stamp},
    memory::{Charge, MemoryUse},
    settings::HistorySettings,
    stored::StoredEvent,
};

/// A history of so many bytes may still grow where others must not.
const LITTLE: usize = 16 << 10;

/// What one name said last: nothing is allocated before it says something.
#[derive(Debug)]
pub(crate) struct History(Mutex<Option<Box<Recent>>>);

/// Where a reader begins.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Whether nothing is missing in front of it.
    pub complete: bool,
    /// The position of the first message behind it.
    pub next: Option<Cursor>,
    pub place: Place,
}

/// The last messages, bounded by their number and the bytes of their payloads, by what each name may hold, and by the memory that there
/// is for all.
#[derive(Debug)]
pub(super) struct Recent {
    limit: HistorySettings,
    kept: Kept,
    charge: Charge,
    /// It has let go of something because no name may hold more.
    held_back: bool,
    /// Messages up to here are not kept any more, or never were.
    lost_through: Cursor,
    /// Messages up to here were handed to the store.
    stored_through: Cursor,
    /// Messages up to here may have gone before they were handed to it.
    missed_through: Cursor,
    /// The store has what was handed to it up to here.
    safe_through: Cursor,
}

/// What the store has not been handed yet.
#[derive(Debug, Default)]
pub(crate) struct UnstoredHistory {
    /// The messages, in order.
    pub events: Vec<StoredEvent>,
    /// The limits to trim to there.
    pub limit: Option<HistorySettings>,
    /// With them it has all that is kept up to here.
    pub through: Option<Cursor>,
}

impl History {
    pub fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// What an earlier process left in the store: all that came behind `known`.
    pub fn restore(
        &self,
        limit: HistorySettings,
        known: Cursor,
        charge: Charge,
        past: impl IntoIterator<Item = StoredEvent>,
    ) {
        let mut recent = Recent::new(limit, known, charge);
        for event in past {
            recent.keep(Mark::from(&event), &event.message);
        }
        recent.stored_through = recent.position();
        recent.safe_through = recent.stored_through;
        *self.0.lock() = Some(Box::new(recent));
    }

    /// New limits.
    pub fn configure(&self, limit: HistorySettings) {
        if let Some(recent) = &mut *self.0.lock() {
            recent.limit = limit;
            recent.make_room(0, 0);
            recent.shrink(limit.messages);
        }
    }

    /// Works on it under its lock; `start` is where a new one begins to know.
    pub(super) fn with<T>(
        &self,
        limit: HistorySettings,
        start: Cursor,
        charge: impl FnOnce() -> Charge,
        work: impl FnOnce(&mut Recent) -> T,
    ) -> T {
        let mut recent = self.0.lock();
        work(recent.get_or_insert_with(|| Box::new(Recent::new(limit, start, charge()))))
    }

    /// Where one who has all up to `since` begins to read; `start`: from where on all is known.
    pub(super) fn begin(&self, since: Cursor, start: Cursor) -> Beginning {
        match &*self.0.lock() {
            Some(recent) => {
                let place = recent.kept.place(since);
                Beginning {
                    complete: since >= recent.lost_through,
                    next: recent.kept.next(place),
                    place,
                }
            }
            None => Beginning {
                complete: since >= start,
                next: None,
                place: Place::default(),
            },
        }
    }

    /// Reads on from a place, up to a position and as far as there is room.
    pub(super) fn read(
        &self,
        place: &mut Place,
        until: Cursor,
        room: &mut Room,
        mut take: impl FnMut(StoredEvent),
    ) -> ReadOn {
        let recent = self.0.lock();
        let Some(Recent { kept, .. }) = recent.as_deref() else {
            return ReadOn::default();
        };
        let (at, lost) = kept.forward(*place);
        *place = at;
        // What has gone is told before what follows it.
        while !lost
            && room.is_left()
            && kept.next(*place).is_some_and(|next| next <= until)
            && let Some(event) = kept.read(place)
        {
            room.take(event.message.len());
            take(event);
        }
        ReadOn {
            lost,
            next: kept.next(*place),
        }
    }

    /// The memory that it holds, in bytes.
    pub fn footprint(&self) -> usize {
        let recent = self.0.lock();
        recent.as_ref().map_or(0, |recent| recent.kept.footprint())
    }

    /// The memory that it wants, in bytes: what it holds, or without end if it was held back since this was asked last.
    pub fn demand(&self) -> usize {
        let mut recent = self.0.lock();
        recent
            .as_mut()
            .map_or(0, |recent| match mem::take(&mut recent.held_back) {
                true => usize::MAX,
                false => recent.charge.bytes(),
            })
    }

    /// Lets go of the oldest until the rest needs no more than so many bytes, if it holds more.
    pub fn trim(&self, bytes: usize) {
        if let Some(recent) = &mut *self.0.lock()
            && recent.charge.bytes() > bytes
        {
            while recent.kept.needed() > bytes && recent.let_go() {}
            recent.shrink(0);
        }
    }

    /// Works while nobody changes it.
    pub(super) fn locked<T>(&self, work: impl FnOnce() -> T) -> T {
        let _recent = self.0.lock();
        work()
    }

    /// Behind which place it has all that came; `start`: from where on all is known.
    pub fn known_behind(&self, start: Cursor) -> Cursor {
        let recent = self.0.lock();
        recent.as_ref().map_or(start, |recent| recent.lost_through)
    }

    /// The last position that it ever knew of, if there was one.
    pub fn last(&self) -> Option<Cursor> {
        self.0.lock().as_ref().and_then(|recent| recent.kept.last())
    }

    /// The place of the last message that it ever heard of, kept or not; `start`: where a new one begins to know.
    pub fn position(&self, start: Cursor) -> Cursor {
        let recent = self.0.lock();
        recent.as_ref().map_or(start, |recent| recent.position())
    }

    /// What the store has not been handed yet. Nothing of a history that is not durable.
    pub fn take_unstored(&self) -> UnstoredHistory {
        let mut recent = self.0.lock();
        let Some(recent) = recent.as_mut().filter(|recent| recent.limit.durable) else {
            return UnstoredHistory::default();
        };
        if recent.lost_through > recent.stored_through {
            recent.missed_through = recent.lost_through;
        }
        let events = recent.kept.behind(recent.stored_through);
        recent.stored_through = recent.position();
        UnstoredHistory {
            events,
            limit: Some(recent.limit),
            through: Some(recent.stored_through),
        }
    }

    /// The store has what it was handed up to here.
    pub fn safe(&self, through: Cursor) {
        if let Some(recent) = &mut *self.0.lock() {
            recent.safe_through = recent.safe_through.max(through);
        }
    }

    /// How far the store has it.
    pub fn stored(&self) -> Stored {
        let recent = self.0.lock();
        recent
            .as_ref()
            .map_or_else(Stored::default, |recent| Stored {
                through: recent.safe_through,
                lost_through: recent.missed_through,
            })
    }
}

impl Recent {
    fn new(limit: HistorySettings, start: Cursor, charge: Charge) -> Self {
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
    fn position(&self) -> Cursor {
        let last = self.kept.last().unwrap_or_default();
        last.max(self.lost_through)
    }

    /// Whether it keeps anything.
    pub fn keeps(&self) -> bool {
        self.limit.messages > 0
    }

    /// Up to where messages are not kept any more, or never were.
    pub fn lost_through(&self) -> Cursor {
        self.lost_through
    }

    /// What came up to here is not kept.
    pub fn lose(&mut self, through: Cursor) {
        self.lost_through = self.lost_through.max(through);
    }

    /// Keeps what came, the first of it at `first`, and lets go of the oldest. They go first: then the new one takes the place of the oldest.
    pub fn push_all(&mut self, first: &Stamp, kinds: &[EventKind]) {
        let mut mark = Mark::from(first);
        if !self.keeps() {
            return self.lose(mark.behind(kinds.len()));
        }
        for kind in kinds {
            if let EventKind::Message(message) = kind {
                self.keep(mark, message);
            }
            mark.advance();
        }
    }

    fn keep(&mut self, mark: Mark, message: &Message) {
        if self.limit.messages == 0 {
            self.lost_through = self.lost_through.max(mark.cursor());
            return;
        }
        self.make_room(1, message.len());
        if self.charge.bytes() > self.charge.history_level() {
            self.give_way(message);
        }
        let has_place = self.kept.has_place(message);
        if !has_place && !self.find_place(message) {
            self.lost_through = self.lost_through.max(mark.cursor());
            return;
        }
        self.kept.push(mark, message);
        if !has_place {
            self.charge.set(self.kept.footprint());
        }
    }

    /// No name may hold as much as this one does: the oldest go until it has place for one more below that, or is empty.
    #[cold]
    fn give_way(&mut self, message: &Message) {
        self.held_back = true;
        let (level, need) = (self.charge.history_level(), Kept::need(message));
        while self.kept.needed() + need > level && self.let_go() {}
        self.shrink(0);
    }

    /// Finds place for one more: new memory, or that of the oldest where this name may hold no more, or no name may. What nothing else is
    /// kept beside may be longer than that, as long as there is memory.
    fn find_place(&mut self, message: &Message) -> bool {
        let most = self.limit.messages;
        let has_memory = self.has_memory(message);
        let bound = match has_memory {
            true => self.charge.history_level(),
            false => self.kept.footprint(),
        };
        loop {
            let room = bound.saturating_sub(self.kept.footprint());
            if self.kept.make_place(message, most, room) {
                return true;
            }
            self.held_back |= has_memory;
            if !self.kept.can_have_place_of_others(message)
                && self.kept.needed() + Kept::need(message) <= bound
            {
                self.kept.shrink(0);
                let room = bound.saturating_sub(self.kept.footprint());
                if self.kept.make_place(message, most, room) {
                    return true;
                }
            }
            if !self.let_go() {
                break;
            }
        }
        self.shrink(0);
        has_memory && self.kept.make_place(message, most, usize::MAX)
    }

    /// Whether there is memory for one more.
    fn has_memory(&self, message: &Message) -> bool {
        let needed = message.len() + Kept::OVERHEAD;
        // Who has said little must not lose it to those who hold most: they are trimmed soon.
        let of = match self.charge.bytes() + needed <= LITTLE {
            true => MemoryUse::Readers,
            false => MemoryUse::Histories,
        };
        self.charge.has_room_of(of, needed)
    }

    /// Lets go of the oldest; `false` if there is none.
    #[inline]
    fn let_go(&mut self) -> bool {
        let oldest = self.kept.pop();
        self.lost_through = self.lost_through.max(oldest.unwrap_or_default());
        oldest.is_some()
    }

    /// Gives back the memory of what more than so many messages need.
    fn shrink(&mut self, messages: usize) {
        self.kept.shrink(messages);
        self.charge.set(self.kept.footprint());
    }

    /// Lets go of the oldest until so many messages, of so many bytes in all, have room. The newest one has it whatever its size.
    fn make_room(&mut self, messages: usize, bytes: usize) {
        while self.exceeds(messages, bytes) && self.let_go() {}
    }

    #[inline]
    fn exceeds(&self, messages: usize, bytes: usize) -> bool {
        let messages = self.kept.len() + messages;
        messages > self.limit.messages
            || (self.kept.bytes() + bytes > self.limit.bytes && messages > 1)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{core::ConnectionName, memory::MemoryBudget};

    fn limit(messages: usize, bytes: usize) -> HistorySettings {
        let mut limit = HistorySettings::default();
        (limit.messages, limit.bytes) = (messages, bytes);
        limit
    }

    /// A history that begins to know at `start`, and hears of messages at these places.
    fn heard(limit: HistorySettings, start: u64, places: impl IntoIterator<Item = u64>) -> History {
        let history = History::new();
        hear(&history, limit, start, places);
        history
    }

    fn hear(
        history: &History,
        limit: HistorySettings,
        start: u64,
        places: impl IntoIterator<Item = u64>,
    ) {
        for place in places {
            let stamp = stamp(place);
            let message = Message::text("12345");
            history.with(limit, Cursor(start), charge, |recent| {
                recent.push_all(&stamp, &[EventKind::Message(message)]);
            });
        }
    }

    fn stamp(place: u64) -> Stamp {
        Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: place,
            cursor: Cursor(place),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn charge() -> Charge {
        Charge::new(&MemoryBudget::unlimited(), MemoryUse::Histories)
    }

    fn places(events: &[StoredEvent]) -> Vec<u64> {
        events.iter().map(|event| event.position).collect()
    }

    fn since(history: &History, since: u64) -> (Vec<u64>, bool) {
        let Beginning {
            complete,
            mut place,
            ..
        } = history.begin(Cursor(since), Cursor(9));
        let mut events = Vec::new();
        loop {
            let (all, mut room) = (Cursor(u64::MAX), Room::default());
            let read = history.read(&mut place, all, &mut room, |event| events.push(event));
            assert!(!read.lost);
            if read.next.is_none() {
                break;
            }
        }
        (places(&events), complete)
    }

    #[test]
    fn the_oldest_go_and_whoever_asks_for_them_is_told() {
        let history = heard(limit(3, 1000), 10, 11..=15);
        assert_eq!(since(&history, 13), (vec![14, 15], true));
        assert_eq!(since(&history, 12), (vec![13, 14, 15], true));
        assert_eq!(since(&history, 11), (vec![13, 14, 15], false));
        assert_eq!(since(&history, 99), (vec![], true));
    }

    #[test]
    fn bytes_bound_it_as_well_and_nothing_is_kept_where_nothing_is_wanted() {
        let history = heard(limit(100, 12), 0, 1..=5);
        assert_eq!(since(&history, 3), (vec![4, 5], true));
        let none = heard(limit(0, 1000), 0, [7]);
        assert_eq!(since(&none, 6), (vec![], false));
        assert_eq!(since(&none, 7), (vec![], true));
    }

    #[test]
    fn the_newest_is_kept_whatever_its_size() {
        let history = heard(limit(100, 12), 0, 1..=2);
        let say = |place: u64, len: usize| {
            let (stamp, message) = (stamp(place), Message::text("x".repeat(len)));
            history.with(limit(100, 12), Cursor(0), charge, |recent| {
                recent.push_all(&stamp, &[EventKind::Message(message)]);
            });
        };
        for (place, len) in [(3, 13), (4, 5000), (5, 40_000)] {
            say(place, len);
            assert_eq!(since(&history, place - 1), (vec![place], true));
            assert_eq!(since(&history, place - 2), (vec![place], false));
        }
        // Less is wanted than there is, and the newest stays all the same.
        history.configure(limit(100, 1));
        assert_eq!(since(&history, 4), (vec![5], true));
        say(6, 5);
        say(7, 5);
        assert_eq!(since(&history, 5), (vec![7], false));
        history.configure(limit(0, 1000));
        assert_eq!(since(&history, 6), (vec![], false));
    }

    fn durable(messages: usize) -> HistorySettings {
        HistorySettings {
            durable: true,
            ..limit(messages, 1000)
        }
    }

    #[test]
    fn the_store_is_handed_each_message_once() {
        let history = heard(durable(2), 0, 1..=3);
        let unstored = history.take_unstored();
        assert_eq!(places(&unstored.events), [2, 3]);
        assert_eq!(unstored.through, Some(Cursor(3)));
        assert!(history.take_unstored().events.is_empty());
        hear(&history, durable(2), 0, [4]);
        assert_eq!(places(&history.take_unstored().events), [4]);
    }

    #[test]
    fn the_store_is_handed_nothing_of_what_is_not_durable_until_it_is() {
        let history = heard(limit(2, 1000), 0, 1..=3);
        assert!(history.take_unstored().events.is_empty());
        history.configure(durable(2));
        assert_eq!(places(&history.take_unstored().events), [2, 3]);
    }

    #[test]
    fn what_went_before_the_store_was_handed_it_is_known() {
        let stored = |through, lost_through| Stored {
            through: Cursor(through),
            lost_through: Cursor(lost_through),
        };
        let history = heard(durable(2), 10, [11, 12]);
        assert_eq!(history.position(Cursor(10)), Cursor(12));
        assert_eq!(history.stored(), stored(10, 10), "nothing is safe yet");
        let through = history.take_unstored().through.unwrap();
        hear(&history, durable(2), 10, 13..=16);
        history.safe(through);
        assert_eq!(history.stored(), stored(12, 10));
        // 13 and 14 were never handed out.
        let unstored = history.take_unstored();
        assert_eq!(places(&unstored.events), [15, 16]);
        history.safe(unstored.through.unwrap());
        assert_eq!(history.stored(), stored(16, 14));
        // What the history keeps not even one of counts as heard, and as lost.
        history.configure(durable(0));
        hear(&history, durable(0), 10, [17]);
        assert_eq!(history.position(Cursor(10)), Cursor(17));
        history.safe(history.take_unstored().through.unwrap());
        assert_eq!(history.stored(), stored(17, 17));
    }

    #[test]
    fn new_limits_hold_at_once() {
        let history = heard(limit(10, 1000), 0, 1..=10);
        history.configure(limit(2, 1000));
        assert_eq!(since(&history, 7), (vec![9, 10], false));
        hear(&history, limit(2, 1000), 0, [11]);
        assert_eq!(since(&history, 9), (vec![10, 11], true));
    }

    #[test]
    fn before_its_start_a_history_knows_nothing() {
        let history = History::new();
        assert_eq!(since(&history, 5), (vec![], false));
        assert_eq!(since(&history, 9), (vec![], true));
    }

    #[test]
    fn where_memory_is_short_the_oldest_gives_its_own_and_nothing_grows() {
        let budget = MemoryBudget::new(1 << 20);
        let charge = || Charge::new(&budget, MemoryUse::Histories);
        let history = History::new();
        let keep = |place: u64, len: usize| {
            let stamp = stamp(place);
            let message = Message::text("x".repeat(len));
            history.with(limit(100_000, 1 << 30), Cursor(0), charge, |recent| {
                recent.push_all(&stamp, &[EventKind::Message(message)]);
            });
        };
        (1..=100).for_each(|place| keep(place, 400));
        let held = history.footprint();
        assert!(budget.usage().histories >= held && held > 40_000);
        let mut others = Charge::new(&budget, MemoryUse::Outboxes);
        others.set(1 << 20);
        for place in 101..=400 {
            keep(place, [400, 0, 500, 100][place as usize % 4]);
            assert!(history.footprint() <= held, "{place}");
        }
        let (kept, _) = since(&history, 0);
        assert_eq!(kept.last(), Some(&400));
        assert!(kept.len() > 50, "{}", kept.len());
        // One that is longer than all that there is leaves nothing behind, and that is told.
        keep(401, 100_000);
        assert_eq!(since(&history, 400), (vec![], false));
        assert_eq!(since(&history, 401), (vec![], true));
        assert_eq!(budget.usage().histories, 0);
        drop(others);
        keep(402, 100);
        assert_eq!(since(&history, 401), (vec![402], true));
    }

    #[test]
    fn a_history_is_trimmed_to_what_it_may_hold() {
        let history = heard(limit(10_000, 1 << 20), 0, 1..=100);
        history.trim(3_000);
        let held = history.footprint();
        assert!((2_500..=3_000).contains(&held), "{held}");
        let (kept, complete) = since(&history, 0);
        assert_eq!((kept.last(), complete), (Some(&100), false));
        let first = kept[0];
        assert_eq!(since(&history, first - 1), (kept, true));
        history.trim(0);
        assert_eq!(since(&history, 0), (vec![], false));
        assert_eq!(history.footprint(), 0);
    }

    /// What a history holds, its newest messages, and whether it wanted more, after so many messages of these lengths.
    fn under(level: usize, lengths: impl IntoIterator<Item = usize>) -> (usize, Vec<u64>, usize) {
        let budget = MemoryBudget::new(1 << 30);
        budget.set_history_level(level);
        let history = History::new();
        let charge = || Charge::new(&budget, MemoryUse::Histories);
        let mut last = 0;
        for (place, len) in (1..).zip(lengths) {
            let (stamp, message) = (stamp(place), Message::text("x".repeat(len)));
            history.with(limit(1000, 1 << 30), Cursor(0), charge, |recent| {
                recent.push_all(&stamp, &[EventKind::Message(message.clone())]);
            });
            last = place;
            let (kept, complete) = since(&history, 0);
            assert_eq!(kept.last(), Some(&place), "the newest is kept");
            assert_eq!(
                complete,
                kept.first() == Some(&1),
                "what is missing is told"
            );
            assert!(kept.is_sorted() && kept.len() == (last - kept[0] + 1) as usize);
            let held = history.footprint();
            // One that is alone has the places of three more.
            let alone = Kept::need(&message) + 3 * Kept::OVERHEAD;
            assert!(held <= level.max(alone), "{held} at {place}");
            assert!(budget.usage().histories >= held);
        }
        assert!(last > 0);
        (history.footprint(), since(&history, 0).0, history.demand())
    }

    #[test]
    fn a_name_uses_what_each_may_hold_and_no_more() {
        const LEVEL: usize = 26 << 10;
        let (held, kept, demand) = under(LEVEL, vec![185; 1000]);
        assert!(held > LEVEL * 9 / 10, "{held}");
        assert!(kept.len() > 115, "{}", kept.len());
        assert_eq!(demand, usize::MAX);
        // It is asked once: a name that says nothing more wants no more.
        let history = heard(limit(3, 1000), 0, 1..=9);
        assert!(history.demand() < 4096);
    }

    #[test]
    fn short_and_long_ones_share_what_each_may_hold() {
        const LEVEL: usize = 26 << 10;
        let mixed = (0..2000).map(|n| if n % 20 == 0 { 5000 } else { 100 + n % 90 });
        let (_, kept, _) = under(LEVEL, mixed);
        assert!(kept.len() > 40, "{}", kept.len());
        // One that is longer than that is alone, and makes room for others again.
        let (held, kept, _) = under(LEVEL, [vec![200; 50], vec![50_000], vec![200; 60]].concat());
        assert!(held <= LEVEL && kept.len() == 60, "{held} {}", kept.len());
    }

    #[test]
    fn a_level_that_falls_is_kept_with_the_next_message() {
        let budget = MemoryBudget::new(1 << 30);
        let charge = || Charge::new(&budget, MemoryUse::Histories);
        let history = History::new();
        let say = |place: u64| {
            let (stamp, message) = (stamp(place), Message::text("x".repeat(200)));
            history.with(limit(1000, 1 << 20), Cursor(0), charge, |recent| {
                recent.push_all(&stamp, &[EventKind::Message(message)]);
            });
        };
        (1..=500).for_each(say);
        assert_eq!(since(&history, 0).0.len(), 500);
        assert_eq!(history.demand(), budget.usage().histories);
        budget.set_history_level(8 << 10);
        say(501);
        let (kept, complete) = since(&history, 0);
        assert_eq!((kept.last(), complete), (Some(&501), false));
        assert!(kept.len() > 20, "{}", kept.len());
        assert!(budget.usage().histories <= 8 << 10);
        // It rises, and the name grows again.
        budget.set_history_level(usize::MAX);
        (502..=900).for_each(say);
        assert!(since(&history, 0).0.len() > 420);
    }
}
