//! Keys of messages that senders may repeat.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::Fate;

/// A digest of the message, which a repeated request must have in common with the first.
pub type Fingerprint = [u8; 32];

/// A key, and the message that was accepted with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The message's id.
    pub id: u64,
    /// The sender's key.
    pub key: Arc<[u8]>,
    /// The digest of the message.
    pub fingerprint: Fingerprint,
    /// Until when the key is remembered, if the message has met its end.
    pub until: Instant,
    /// How it ended, if it has.
    pub end: Option<Fate>,
}

/// The meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Unknown: the message is new.
    New,
    /// This message.
    Known(u64),
    /// Another message was sent with this key.
    Other,
}

/// Changes of keys for a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChanges {
    /// New keys, and keys whose message has ended.
    pub put: Vec<Keyed>,
    /// The ids of forgotten keys.
    pub gone: Vec<u64>,
}

/// The keys of a name's messages: each for an hour, and for as long as its message is in the
/// outbox.
///
/// A key consists of its owner, NUL, and the owner's name for the message; a key without NUL
/// belongs to the owner with the empty name. Beyond [`IdempotencyKeys::MOST`], keys are forgotten
/// whose messages have left the outbox: the oldest of owners that have more than an equal share.
/// Unused parts of a share go to the other owners.
#[derive(Clone, Debug, Default)]
pub struct IdempotencyKeys {
    /// By the ids of their messages, and so in the order in which they came.
    entries: BTreeMap<u64, Entry>,
    ids: BTreeMap<Arc<[u8]>, u64>,
    /// Forgotten, but not yet in the store.
    gone: Vec<u64>,
    /// The number of keys at which they are swept again.
    sweep_at: usize,
}

/// The size of a key of usual length: two tree entries and its text, in bytes.
const PER_KEY: usize = size_of::<Entry>() + 160;

#[derive(Clone, Debug)]
struct Entry {
    keyed: Keyed,
    /// Whether the store has it.
    is_stored: bool,
}

impl IdempotencyKeys {
    /// How long a key is remembered at least.
    pub const LIFETIME: Duration = Duration::from_secs(3600);
    /// How many are remembered, beside those whose messages are in the outbox.
    pub const MOST: usize = 10_000;
    /// The longest key, in bytes.
    pub const LONGEST: usize = 512;

    /// The memory in bytes: an estimate, since keys may be long.
    pub fn footprint(&self) -> usize {
        self.entries.len() * PER_KEY
    }

    /// Restores the stored keys. Expired ones are dropped, and the store is told.
    pub fn restore(&mut self, stored: impl IntoIterator<Item = Keyed>, now: Instant) {
        for keyed in stored {
            if keyed.end.is_some() && keyed.until <= now {
                self.gone.push(keyed.id);
                continue;
            }
            self.ids.insert(Arc::clone(&keyed.key), keyed.id);
            let entry = Entry {
                keyed,
                is_stored: true,
            };
            self.entries.insert(entry.keyed.id, entry);
        }
    }

    /// The meaning of this key. `holds`: whether a message is in the outbox.
    pub fn find(
        &self,
        key: &[u8],
        fingerprint: &Fingerprint,
        now: Instant,
        holds: impl Fn(u64) -> bool,
    ) -> Lookup {
        let found = self.ids.get(key).and_then(|id| self.entries.get(id));
        match found.map(|entry| &entry.keyed) {
            Some(known) if known.until > now || holds(known.id) => {
                match known.fingerprint == *fingerprint {
                    true => Lookup::Known(known.id),
                    false => Lookup::Other,
                }
            }
            Some(_) | None => Lookup::New,
        }
    }

    /// A message was accepted with this key. `holds`: whether a message is in the outbox.
    pub fn insert(
        &mut self,
        id: u64,
        key: &[u8],
        fingerprint: Fingerprint,
        now: Instant,
        holds: impl Fn(u64) -> bool,
    ) {
        let key: Arc<[u8]> = key.into();
        // An older message of this key has ended.
        if let Some(older) = self.ids.insert(Arc::clone(&key), id) {
            self.entries.remove(&older).inspect(|entry| {
                self.gone.extend(entry.is_stored.then_some(older));
            });
        }
        let keyed = Keyed {
            id,
            key,
            fingerprint,
            until: now + Self::LIFETIME,
            end: None,
        };
        let entry = Entry {
            keyed,
            is_stored: false,
        };
        self.entries.insert(id, entry);
        self.forget_old(now, &holds);
        if self.entries.len() > self.sweep_at.max(Self::MOST) {
            self.sweep(&holds);
        }
    }

    /// How the message of this id ended, if it had a key and its end was noted.
    pub fn end_of(&self, id: u64) -> Option<Fate> {
        self.entries.get(&id)?.keyed.end
    }

    /// The changes for a store, together with the messages `put` and the runs of messages that are
    /// `gone` from the outbox.
    pub fn changes(
        &mut self,
        put: impl Iterator<Item = u64>,
        gone: &[(u64, u64)],
        fate: impl Fn(u64) -> Fate,
    ) -> KeyChanges {
        let mut changes = KeyChanges {
            put: Vec::new(),
            gone: std::mem::take(&mut self.gone),
        };
        for id in put {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.is_stored = true;
                changes.put.push(entry.keyed.clone());
            }
        }
        for &(first, last) in gone {
            for (id, entry) in self.entries.range_mut(first..=last) {
                // A message without a confirmation is in doubt once this process is gone.
                let fate = fate(*id);
                let end = if fate.is_final() { fate } else { Fate::InDoubt };
                entry.keyed.end = Some(end);
                if entry.is_stored {
                    changes.put.push(entry.keyed.clone());
                }
            }
        }
        changes
    }

    /// Whether there is nothing to remember, and nothing to store.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.gone.is_empty()
    }

    /// Drops the oldest expired keys. One that is not expired stops this, for as long as its
    /// message is in the outbox.
    fn forget_old(&mut self, now: Instant, holds: &impl Fn(u64) -> bool) {
        while let Some(oldest) = self.entries.first_entry()
            && oldest.get().keyed.until <= now
            && !holds(*oldest.key())
        {
            let entry = oldest.remove();
            self.forgotten(&entry);
        }
    }

    /// There are too many: of keys whose messages have left the outbox, drops the oldest of each
    /// owner with more than its share.
    fn sweep(&mut self, holds: &impl Fn(u64) -> bool) {
        let mut over = BTreeMap::<&[u8], Vec<u64>>::new();
        for (id, entry) in &self.entries {
            if !holds(*id) {
                over.entry(owner(&entry.keyed.key)).or_default().push(*id);
            }
        }
        let many = over.values().map(Vec::len).sum::<usize>();
        let many = many.saturating_sub(Self::MOST);
        let share = share(over.values().map(Vec::len).collect());
        let mut beyond: Vec<u64> = over
            .into_values()
            .flat_map(|mut ids| {
                ids.truncate(ids.len().saturating_sub(share));
                ids
            })
            .collect();
        beyond.sort_unstable();
        for id in beyond.into_iter().take(many) {
            if let Some(entry) = self.entries.remove(&id) {
                self.forgotten(&entry);
            }
        }
        // One in eight more, so that the next sweep costs little per key.
        self.sweep_at = self.entries.len() + self.entries.len() / 8;
    }

    fn forgotten(&mut self, entry: &Entry) {
        let keyed = &entry.keyed;
        if self.ids.get(&keyed.key) == Some(&keyed.id) {
            self.ids.remove(&keyed.key);
        }
        self.gone.extend(entry.is_stored.then_some(keyed.id));
    }
}

/// The owner of a key.
fn owner(key: &[u8]) -> &[u8] {
    let end = key.iter().position(|&byte| byte == 0);
    &key[..end.unwrap_or(0)]
}

/// The most keys of each owner if owners with these numbers share [`IdempotencyKeys::MOST`].
fn share(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    let mut left = IdempotencyKeys::MOST;
    let owners = numbers.len();
    for (at, number) in numbers.into_iter().enumerate() {
        let share = left / (owners - at);
        if number > share {
            return share;
        }
        left -= number;
    }
    IdempotencyKeys::MOST
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Fingerprint = [7; 32];

    fn key(number: u64) -> Vec<u8> {
        number.to_string().into_bytes()
    }

    fn find(keys: &IdempotencyKeys, number: u64, now: Instant) -> Lookup {
        keys.find(&key(number), &BODY, now, |_| false)
    }

    #[test]
    fn a_key_is_remembered_for_an_hour_and_for_its_body() {
        let (mut keys, start) = (IdempotencyKeys::default(), Instant::now());
        let nowhere = |_| false;
        assert_eq!(find(&keys, 1, start), Lookup::New);
        keys.insert(1, &key(1), BODY, start, nowhere);
        assert_eq!(find(&keys, 1, start), Lookup::Known(1));
        let other = keys.find(&key(1), &[8; 32], start, nowhere);
        assert_eq!(other, Lookup::Other);
        let later = start + IdempotencyKeys::LIFETIME;
        assert_eq!(find(&keys, 1, later), Lookup::New);
        let waits = keys.find(&key(1), &BODY, later, |id| id == 1);
        assert_eq!(waits, Lookup::Known(1), "it is in the outbox yet");
        keys.insert(2, &key(1), [8; 32], later, nowhere);
        assert_eq!(find(&keys, 1, later), Lookup::Other);
        assert_eq!(keys.entries.len(), 1);
    }

    #[test]
    fn keys_are_bounded_and_the_oldest_go_first_but_none_whose_message_waits() {
        let (mut keys, now) = (IdempotencyKeys::default(), Instant::now());
        let waits = |id: u64| id.is_multiple_of(2) && id < 2_000;
        let most = IdempotencyKeys::MOST as u64;
        for id in 1..=3 * most {
            keys.insert(id, &key(id), BODY, now, waits);
            let bound = most + 1_000;
            assert!(keys.entries.len() as u64 <= bound + bound / 8 + 1);
            assert_eq!(keys.entries.len(), keys.ids.len());
        }
        assert_eq!(find(&keys, 1, now), Lookup::New);
        assert_eq!(find(&keys, 2, now), Lookup::Known(2));
        assert_eq!(find(&keys, 3 * most, now), Lookup::Known(3 * most));
        let later = now + IdempotencyKeys::LIFETIME;
        keys.insert(3 * most + 1, &key(0), BODY, later, |_| false);
        assert_eq!(keys.entries.len(), 1, "all others are over");
    }

    #[test]
    fn an_owner_with_many_keys_forgets_its_own_and_none_of_another() {
        let (mut keys, now) = (IdempotencyKeys::default(), Instant::now());
        let of = |owner: &str, number: u64| format!("{owner}\0{number}").into_bytes();
        let (most, nowhere) = (IdempotencyKeys::MOST as u64, |_| false);
        for id in 1..=most / 4 {
            keys.insert(id, &of("mine", id), BODY, now, nowhere);
        }
        for id in most..5 * most {
            keys.insert(id, &of("acme", id), BODY, now, nowhere);
        }
        let find = |owner, id| keys.find(&of(owner, id), &BODY, now, nowhere);
        for id in 1..=most / 4 {
            assert_eq!(find("mine", id), Lookup::Known(id));
        }
        assert_eq!(find("acme", most), Lookup::New);
        assert_eq!(find("acme", 5 * most - 1), Lookup::Known(5 * most - 1));
        assert!(keys.entries.len() as u64 <= most + most / 8 + 1);
    }

    #[test]
    fn what_an_owner_leaves_of_its_share_others_have() {
        let most = IdempotencyKeys::MOST;
        assert_eq!(share(vec![3 * most]), most);
        assert_eq!(share(vec![most, 2 * most]), most / 2);
        assert_eq!(share(vec![most, 1_000]), most - 1_000);
        assert_eq!(share(vec![1, 2, 3]), most);
        assert_eq!(share(vec![1; 2 * most]), 0);
        assert_eq!(share(vec![]), most);
    }

    #[test]
    fn a_store_is_told_of_a_key_with_its_message_and_of_its_end_with_that_of_the_message() {
        let (mut keys, now) = (IdempotencyKeys::default(), Instant::now());
        let nowhere = |_| false;
        (1..=4).for_each(|id| keys.insert(id, &key(id), BODY, now, nowhere));
        // The first was evicted before the store had heard of it.
        let told = keys.changes([2, 3].into_iter(), &[(1, 1)], |_| Fate::Evicted);
        let ids: Vec<_> = told.put.iter().map(|keyed| (keyed.id, keyed.end)).collect();
        assert_eq!(ids, [(2, None), (3, None)]);
        assert_eq!(keys.end_of(1), Some(Fate::Evicted));
        let told = keys.changes([4].into_iter(), &[(2, 3)], |id| match id {
            2 => Fate::Confirmed,
            _ => Fate::Written,
        });
        let ids: Vec<_> = told.put.iter().map(|keyed| (keyed.id, keyed.end)).collect();
        let (arrived, perhaps) = (Some(Fate::Confirmed), Some(Fate::InDoubt));
        assert_eq!(ids, [(4, None), (2, arrived), (3, perhaps)]);

        let mut next = IdempotencyKeys::default();
        next.restore(told.put, now);
        assert_eq!(find(&next, 2, now), Lookup::Known(2));
        assert_eq!(next.end_of(2), arrived);
        let late = now + IdempotencyKeys::LIFETIME;
        next.insert(5, &key(5), BODY, late, |id| id == 4);
        assert_eq!(
            next.changes(std::iter::empty(), &[], |_| Fate::Queued).gone,
            [2, 3]
        );
        assert_eq!(find(&next, 4, now), Lookup::Known(4));
    }
}
