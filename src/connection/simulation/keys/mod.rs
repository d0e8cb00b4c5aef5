//! Subscriptions of a simulated life: what callers and settings want, what the peer has, and the
//! events.
//!
//! The peer keeps a [`Book`] for each socket. Callers hold and release keys at random
//! ([`holding`]); [`Wants`] records what they want. Events are noted in the name's own turn
//! ([`Note`]) and processed before a book changes, so that each is compared with the peer's state
//! at that time.

mod answer;
mod book;
mod holding;
mod moods;
mod reader;
mod tally;
mod told;
mod wants;

use std::{sync::Arc, time::Duration};

use everwire_proto::dialogue::{Holder, SubscriptionState, SubscriptionStatus};
use parking_lot::Mutex;
use tokio::time::Instant;

pub(super) use self::{
    answer::Answer,
    book::Asked,
    holding::{hold_and_release, hold_at_close, restore},
    moods::{KeyMoods, KeyRate, Routing},
    reader::KeyReader,
    tally::KeyTally,
    told::note_into,
};
use self::{book::Book, told::Note, wants::Wants};
use super::plan::Plan;
use crate::settings::RotationMode;

/// The number of keys.
pub(super) const KEYS: usize = 8;

/// The key that the peer always refuses, in lives with refusals.
pub(super) const NEVER: usize = KEYS - 1;

/// The key that the peer accepts without an answer, in lives with such a key.
pub(super) const MUTE: usize = KEYS - 2;

/// The key with its own settings, in lives with such a key.
pub(super) const OWN: usize = 2;

/// On a socket without trouble the peer reads a message at most this long after it was written.
pub(super) const LATE: Duration = Duration::from_millis(100);

/// All subscriptions of a life.
pub(super) struct Keys {
    pub moods: KeyMoods,
    pub tally: KeyTally,
    wants: Wants,
    books: Vec<Book>,
    /// Events of the name that were not processed yet.
    notes: Arc<Mutex<Vec<Note>>>,
    /// The serving socket.
    current: Option<usize>,
    /// The last published state of each key since a socket opened, and how often it has changed.
    last: [Option<SubscriptionState>; KEYS],
    versions: [u64; KEYS],
    /// Whether the last published state is certain. It is not after the last holder has left, since
    /// that publishes no event.
    is_sure: [bool; KEYS],
    /// The times at which clean sockets received messages that wait for the rate.
    paced: Vec<Instant>,
    /// Each socket follows a loss of the one before.
    is_one_by_one: bool,
    /// A socket takes over from one that is still open.
    overlaps: bool,
    /// Requests use the same in-flight limit.
    has_requests: bool,
    /// How often the peer may hand over after the trouble.
    hand_overs: u8,
}

/// The name of a key.
pub(super) fn name_of(key: usize) -> String {
    format!("k{key}")
}

/// The peer's id for a key, if it does not use the name.
pub(super) fn sid_of(key: usize) -> String {
    format!("sid-k{key}")
}

/// The key with this name or with this id of the peer.
pub(super) fn key_of(name: &str) -> usize {
    let number = name.trim_start_matches("sid-").strip_prefix('k');
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{name} is no key"))
}

/// The key that a number of the broadcast belongs to.
pub(super) fn key_of_number(number: u64) -> usize {
    usize::try_from(number).expect("small") % KEYS
}

impl Keys {
    /// The subscriptions of this plan, if it has any.
    pub fn of(plan: &Plan) -> Option<Self> {
        let moods = plan.moods.as_ref()?;
        let keys = moods.keys?;
        Some(Self {
            moods: keys,
            tally: KeyTally::default(),
            wants: Wants::new(&keys),
            books: Vec::new(),
            notes: Arc::default(),
            current: None,
            last: [None; KEYS],
            versions: [0; KEYS],
            is_sure: [false; KEYS],
            paced: Vec::new(),
            is_one_by_one: plan.is_one_by_one(),
            overlaps: plan.settings.rotation == RotationMode::Overlap,
            has_requests: moods.requests,
            hand_overs: if keys.continues { 2 } else { 0 },
        })
    }

    /// Starts another process: its sockets are new, and the holds of downstream sockets are gone.
    pub fn begin_process(&mut self) {
        self.catch_up();
        self.wants.end_sessions();
        self.current = None;
        self.last = [None; KEYS];
        self.paced.clear();
        for version in &mut self.versions {
            *version += 1;
        }
    }

    /// Whether the peer may hand over after the trouble, once more.
    pub fn may_hand_over(&mut self) -> bool {
        let may = self.hand_overs > 0;
        self.hand_overs -= u8::from(may);
        may
    }

    /// Whether each wanted key is active or has failed, and no other key is active.
    pub fn is_settled(&mut self) -> bool {
        self.catch_up();
        let Some(current) = self.current else {
            return false;
        };
        let book = &self.books[current];
        (0..KEYS).all(|key| {
            let on = book.has(key);
            match (self.wants.has(key), self.last[key]) {
                (false, _) => !on || book.is_in_doubt(key),
                (true, None | Some(SubscriptionState::Wanted)) => !on && book.shut == Some(key),
                (true, _) if book.shut == Some(key) => false,
                (true, Some(SubscriptionState::Refused)) => self.is_never(key) && !on,
                (true, Some(SubscriptionState::Active)) => {
                    on && !self.is_never(key) && !self.is_mute(key)
                }
                (true, Some(SubscriptionState::Unanswered)) => on && self.is_mute(key),
                (true, _) => false,
            }
        })
    }

    /// Whether the status shows the wanted keys in their published states.
    pub fn agrees(&self, shown: &[SubscriptionStatus]) -> bool {
        let wanted = (0..KEYS).filter(|key| self.wants.has(*key)).count();
        let is_right = |status: &SubscriptionStatus| {
            let key = key_of(&status.key);
            let is_told = status.text.as_ref().is_some_and(|it| it.contains("nosub"));
            status.holders == self.wants.holders(key)
                && status.state == self.last[key].unwrap_or(SubscriptionState::Wanted)
                && is_told == (self.is_never(key) && status.state == SubscriptionState::Refused)
        };
        shown.len() == wanted && shown.iter().all(is_right)
    }

    /// Returns the counters of the life.
    pub fn judge(&mut self) -> KeyTally {
        self.catch_up();
        self.tally.settled += (0..KEYS).filter(|key| self.wants.has(*key)).count() as u64;
        self.tally
    }

    /// A holder releases a key. Returns whether nobody holds it since.
    fn release(&mut self, key: usize, holder: Holder) -> bool {
        self.catch_up();
        let is_gone = self.wants.release(key, holder);
        self.is_sure[key] &= !is_gone;
        is_gone
    }

    /// Whether the key is certainly active.
    fn is_active(&self, key: usize) -> bool {
        self.is_sure[key] && self.last[key] == Some(SubscriptionState::Active)
    }

    /// Describes the problem if a life does not settle.
    pub fn describe(&self) -> String {
        let keys: Vec<String> = (0..KEYS)
            .map(|key| {
                let holders = self.wants.holders(key);
                let on = self.current.map(|current| self.books[current].has(key));
                let last = self.last[key];
                format!("k{key}: held by {holders:?}, told {last:?}, the peer has it: {on:?}")
            })
            .collect();
        keys.join("\n")
    }

    /// Whether the peer always refuses it.
    pub fn is_never(&self, key: usize) -> bool {
        self.moods.fails && key == NEVER
    }

    /// Whether the peer never answers for it.
    pub fn is_mute(&self, key: usize) -> bool {
        self.moods.is_mute && key == MUTE
    }

    /// The keys that the next process must restore.
    pub fn of_api(&self) -> Vec<usize> {
        (0..KEYS)
            .filter(|key| self.wants.holders(*key).contains(&Holder::Api))
            .collect()
    }
}
