//! What a name said last, to be read again by those who were away.

mod kept;
mod known;
mod recent;
#[cfg(test)]
mod tests;

use std::mem;

use everwire_proto::dialogue::Stored;
use parking_lot::Mutex;

pub(super) use self::kept::Place;
use self::{
    kept::{Item, Mark},
    known::Known,
    recent::Recent,
};
use super::{
    reading::{ReadOn, Room},
    subscription_keys::SubscriptionKeys,
};
use crate::{core::Cursor, memory::Charge, settings::HistorySettings, stored::StoredEvent};

/// What one name said last: nothing is allocated before something is kept.
#[derive(Debug)]
pub(crate) struct History(Mutex<Known>);

/// Where a reader begins.
#[derive(Debug)]
pub(super) struct Beginning {
    /// Whether nothing is missing in front of it.
    pub complete: bool,
    /// The position of the first message behind it.
    pub next: Option<Cursor>,
    pub place: Place,
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
        Self(Mutex::new(Known::Nothing))
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
            let item = Item::new(&event.message, event.subscription.as_deref());
            recent.keep(Mark::from(&event), item);
        }
        recent.stored_through = recent.position();
        recent.safe_through = recent.stored_through;
        *self.0.lock() = Known::Kept(Box::new(recent));
    }

    /// New limits.
    pub fn configure(&self, limit: HistorySettings) {
        if let Some(recent) = self.0.lock().kept_mut() {
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
        work: impl FnOnce(&mut Known) -> T,
    ) -> T {
        let mut known = self.0.lock();
        known.begin(limit, start, charge);
        work(&mut known)
    }

    /// Where one who has all up to `since` begins to read; `start`: from where on all is known.
    pub(super) fn begin(&self, since: Cursor, start: Cursor) -> Beginning {
        let known = self.0.lock();
        let place = known.kept().map(|recent| recent.kept.place(since));
        let place = place.unwrap_or_default();
        Beginning {
            complete: since >= known.lost_through(start),
            next: known.kept().and_then(|recent| recent.kept.next(place)),
            place,
        }
    }

    /// Reads on from a place, up to a position and as far as there is room: where `keys` are given, what was routed to them.
    pub(super) fn read(
        &self,
        place: &mut Place,
        until: Cursor,
        room: &mut Room,
        keys: Option<&SubscriptionKeys>,
        mut take: impl FnMut(StoredEvent),
    ) -> ReadOn {
        let known = self.0.lock();
        let Some(Recent { kept, .. }) = known.kept() else {
            return ReadOn::default();
        };
        let (at, lost) = kept.forward(*place);
        *place = at;
        // What has gone is told before what follows it.
        while !lost && room.is_left() && kept.next(*place).is_some_and(|next| next <= until) {
            // What is passed over has cost a look as well.
            let event = kept.read(place, keys);
            room.take(event.as_ref().map_or(0, |event| event.message.len()));
            event.into_iter().for_each(&mut take);
        }
        ReadOn {
            lost,
            next: kept.next(*place),
        }
    }

    /// The memory that it holds, in bytes.
    pub fn footprint(&self) -> usize {
        let known = self.0.lock();
        known.kept().map_or(0, |recent| recent.kept.footprint())
    }

    /// The memory that it wants, in bytes: what it holds, or without end if it was held back since this was asked last.
    pub fn demand(&self) -> usize {
        let mut known = self.0.lock();
        known
            .kept_mut()
            .map_or(0, |recent| match mem::take(&mut recent.held_back) {
                true => usize::MAX,
                false => recent.charge.bytes(),
            })
    }

    /// Lets go of the oldest until the rest needs no more than so many bytes, if it holds more.
    pub fn trim(&self, bytes: usize) {
        if let Some(recent) = self.0.lock().kept_mut()
            && recent.charge.bytes() > bytes
        {
            while recent.kept.needed() > bytes && recent.let_go() {}
            recent.shrink(0);
        }
    }

    /// Works while nobody changes it.
    pub(super) fn locked<T>(&self, work: impl FnOnce() -> T) -> T {
        let _known = self.0.lock();
        work()
    }

    /// Behind which place it has all that came; `start`: from where on all is known.
    pub fn known_behind(&self, start: Cursor) -> Cursor {
        self.0.lock().lost_through(start)
    }

    /// The last position that it ever knew of, if there was one.
    pub fn last(&self) -> Option<Cursor> {
        self.0.lock().kept()?.kept.last()
    }

    /// The place of the last message that it ever heard of, kept or not; `start`: where a new one begins to know.
    pub fn position(&self, start: Cursor) -> Cursor {
        let known = self.0.lock();
        match known.kept() {
            Some(recent) => recent.position(),
            None => known.lost_through(start),
        }
    }

    /// What the store has not been handed yet. Nothing of a history that is not durable.
    pub fn take_unstored(&self) -> UnstoredHistory {
        let mut known = self.0.lock();
        let Some(recent) = known.kept_mut().filter(|recent| recent.limit.durable) else {
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
        if let Some(recent) = self.0.lock().kept_mut() {
            recent.safe_through = recent.safe_through.max(through);
        }
    }

    /// How far the store has it.
    pub fn stored(&self) -> Stored {
        let known = self.0.lock();
        known.kept().map_or_else(Stored::default, |recent| Stored {
            through: recent.safe_through,
            lost_through: recent.missed_through,
        })
    }
}
