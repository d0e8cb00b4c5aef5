//! Subscriptions of a life: what callers and settings want, what the peer has, and what is told.
//!
//! The peer keeps a [`Book`] for each socket. Callers hold and release keys at random ([`holding`]), and what they want is known
//! ([`Wants`]). Events of the name are noted in its own turn ([`Note`]), and are looked at before a book changes: so each is compared with
//! what the peer had at that time.

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

/// How many keys there are.
pub(super) const KEYS: usize = 8;

/// The peer never takes this one, where it refuses any.
pub(super) const NEVER: usize = KEYS - 1;

/// The peer has this one when it was asked for, and never says so, where it is mute.
pub(super) const MUTE: usize = KEYS - 2;

/// This one has words of its own, where any has.
pub(super) const OWN: usize = 2;

/// On a socket without trouble what is written was read so much later at most.
pub(super) const LATE: Duration = Duration::from_millis(100);

/// All that is known of subscriptions in a life.
pub(super) struct Keys {
    pub moods: KeyMoods,
    pub tally: KeyTally,
    wants: Wants,
    books: Vec<Book>,
    /// What has happened to the name, and was not looked at yet.
    notes: Arc<Mutex<Vec<Note>>>,
    /// The socket that serves.
    current: Option<usize>,
    /// Where each key stands, as far as that was told since a socket opened; and how often that has changed.
    last: [Option<SubscriptionState>; KEYS],
    versions: [u64; KEYS],
    /// What was told of it holds still: its last holder has not gone since, of which nothing is told.
    is_sure: [bool; KEYS],
    /// When clean sockets have heard something that waits for the rate.
    paced: Vec<Instant>,
    /// One socket follows the other by a loss.
    is_one_by_one: bool,
    /// A socket takes over from one beside it.
    overlaps: bool,
    /// Requests share the places of what awaits an answer.
    has_requests: bool,
    /// How often the peer may hand over after the trouble.
    hand_overs: u8,
}

/// The name of a key.
pub(super) fn name_of(key: usize) -> String {
    format!("k{key}")
}

/// What the peer calls a key in its messages, where that is not its name.
pub(super) fn sid_of(key: usize) -> String {
    format!("sid-k{key}")
}

/// The key of this name, or of the number that the peer gives it.
pub(super) fn key_of(name: &str) -> usize {
    let number = name.trim_start_matches("sid-").strip_prefix('k');
    let number = number.and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("{name} is no key"))
}

/// The key to which a number of the broadcast belongs.
pub(super) fn key_of_number(number: u64) -> usize {
    usize::try_from(number).expect("small") % KEYS
}

impl Keys {
    /// Those of this plan, if it has any.
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

    /// Another process: its sockets are new, and what downstream sockets held is gone.
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

    /// Whether all that is wanted is there, or was told not to be, and nothing else.
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

    /// Whether the name shows what is wanted, and what it has told of that.
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

    /// What happened in the life.
    pub fn judge(&mut self) -> KeyTally {
        self.catch_up();
        self.tally.settled += (0..KEYS).filter(|key| self.wants.has(*key)).count() as u64;
        self.tally
    }

    /// Somebody wants a key no more; whether nobody does since then.
    fn release(&mut self, key: usize, holder: Holder) -> bool {
        self.catch_up();
        let is_gone = self.wants.release(key, holder);
        self.is_sure[key] &= !is_gone;
        is_gone
    }

    /// Whether it is active for sure.
    fn is_active(&self, key: usize) -> bool {
        self.is_sure[key] && self.last[key] == Some(SubscriptionState::Active)
    }

    /// What is wrong, where a life does not settle.
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

    /// Whether the peer never takes it.
    pub fn is_never(&self, key: usize) -> bool {
        self.moods.fails && key == NEVER
    }

    /// Whether the peer never says that it has it.
    pub fn is_mute(&self, key: usize) -> bool {
        self.moods.is_mute && key == MUTE
    }

    /// The keys that the next process must have again.
    pub fn of_api(&self) -> Vec<usize> {
        (0..KEYS)
            .filter(|key| self.wants.holders(*key).contains(&Holder::Api))
            .collect()
    }
}
