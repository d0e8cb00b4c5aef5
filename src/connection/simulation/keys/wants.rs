//! Which keys are wanted, by which holders, and since when.

use std::collections::BTreeSet;

use everwire_proto::dialogue::Holder;
use tokio::time::Instant;

use super::{KEYS, KeyMoods};

/// The wanted keys.
pub(super) struct Wants {
    wants: [Want; KEYS],
    max: usize,
}

/// The holders of one key.
#[derive(Default)]
struct Want {
    holders: BTreeSet<Holder>,
    /// How often the last holder left, and when it last did.
    emptied: u64,
    emptied_at: Option<Instant>,
    held_since: Option<Instant>,
    /// How often it was held.
    holds: u32,
}

impl Wants {
    pub fn new(moods: &KeyMoods) -> Self {
        let wants = moods.file.map(|declared| {
            let mut want = Want::default();
            if declared {
                want.add(Holder::File);
            }
            want
        });
        Self {
            wants,
            max: moods.max as usize,
        }
    }

    /// A holder wants a key. Returns whether the limit allows it.
    pub fn hold(&mut self, key: usize, holder: Holder) -> bool {
        let held = self.wants.iter().filter(|want| !want.holders.is_empty());
        let has_room = held.count() < self.max || self.has(key);
        if has_room {
            self.wants[key].add(holder);
        }
        has_room
    }

    /// A holder releases a key. Returns whether nobody holds it since.
    pub fn release(&mut self, key: usize, holder: Holder) -> bool {
        self.wants[key].remove(holder)
    }

    pub fn end_sessions(&mut self) {
        for want in &mut self.wants {
            let sessions: Vec<Holder> = want.holders.iter().copied().collect();
            for holder in sessions {
                if matches!(holder, Holder::Session(_)) {
                    want.remove(holder);
                }
            }
        }
    }

    pub fn has(&self, key: usize) -> bool {
        !self.wants[key].holders.is_empty()
    }

    /// The holders of a key, in order.
    pub fn holders(&self, key: usize) -> Vec<Holder> {
        self.wants[key].holders.iter().copied().collect()
    }

    /// Whether a holder wanted it at some time since then.
    pub fn was_held_since(&self, key: usize, since: Instant) -> bool {
        self.has(key) || self.wants[key].emptied_at.is_some_and(|at| at >= since)
    }

    /// Whether it was without a holder at some time since then.
    pub fn was_free_since(&self, key: usize, since: Instant) -> bool {
        !self.has(key) || self.wants[key].held_since.is_none_or(|at| at >= since)
    }

    /// How often the last holder of each key has left.
    pub fn emptied(&self) -> [u64; KEYS] {
        std::array::from_fn(|key| self.wants[key].emptied)
    }

    /// How often it was held.
    pub fn holds(&self, key: usize) -> u32 {
        self.wants[key].holds
    }
}

impl Want {
    fn add(&mut self, holder: Holder) {
        if self.holders.is_empty() {
            self.held_since = Some(Instant::now());
        }
        self.holds += 1;
        self.holders.insert(holder);
    }

    fn remove(&mut self, holder: Holder) -> bool {
        let is_gone = self.holders.remove(&holder) && self.holders.is_empty();
        if is_gone {
            self.emptied += 1;
            self.emptied_at = Some(Instant::now());
        }
        is_gone
    }
}
