//! Stored idempotency keys and message ids, as texts that an operator can read.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    core::{ConnectionName, Fate, IdEpochs, Keyed},
    persistence::NameChanges,
    store::{Batch, Store},
    stored::StoreError,
};

/// The kind of the id epochs in the store. The key is the name.
const IDS: &str = "ids";

/// The kind of the idempotency keys in the store. The key is `NAME/ID`.
const KEYS: &str = "idempotency_key";

/// The keys and ids of earlier processes.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub ids: BTreeMap<ConnectionName, IdEpochs>,
    pub keys: BTreeMap<ConnectionName, Vec<Keyed>>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    /// The key, in base64.
    key: String,
    /// The digest of the message, in base64.
    sha256: String,
    /// In microseconds since 1970.
    until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<Fate>,
}

impl Left {
    /// Reads the keys and ids. An entry that cannot be decoded stays in the store.
    pub fn read(store: &Store) -> Result<Self, StoreError> {
        let (wall, now) = (Timestamp::now(), crate::clock::now());
        let mut left = Self::default();
        for (name, value) in store.list(IDS)? {
            let text = std::str::from_utf8(&value).ok();
            let ids = text.and_then(|text| text.parse().ok());
            if let (Ok(name), Some(ids)) = (ConnectionName::new(&name), ids) {
                left.ids.insert(name, ids);
            }
        }
        for (place, value) in store.list(KEYS)? {
            if let Some((name, keyed)) = read(&place, &value, wall, now) {
                left.keys.entry(name).or_default().push(keyed);
            }
        }
        Ok(left)
    }
}

/// Adds the changes to the batch.
pub(super) fn put(batch: &mut Batch, name: &ConnectionName, changes: &NameChanges) {
    if let Some(ids) = &changes.ids {
        batch.put(IDS, name.as_str(), ids.to_string().as_bytes());
    }
    if changes.keys.put.is_empty() && changes.keys.gone.is_empty() {
        return;
    }
    let (wall, now) = (Timestamp::now(), crate::clock::now());
    for keyed in &changes.keys.put {
        // Numbers and texts can always be serialised.
        if let Ok(value) = serde_json::to_vec(&stored(keyed, wall, now)) {
            batch.put(KEYS, &place(name, keyed.id), &value);
        }
    }
    for id in &changes.keys.gone {
        batch.delete(KEYS, &place(name, *id));
    }
}

/// Deletes the keys of a removed name, together with its messages.
pub(super) fn forget(batch: &mut Batch, name: &ConnectionName) {
    batch.delete(IDS, name.as_str());
    batch.delete_under(KEYS, &format!("{name}/"));
}

fn place(name: &ConnectionName, id: u64) -> String {
    format!("{name}/{id}")
}

fn stored(keyed: &Keyed, wall: Timestamp, now: Instant) -> StoredKey {
    let left = SignedDuration::try_from(keyed.until.saturating_duration_since(now));
    let until = left.ok().and_then(|left| wall.checked_add(left).ok());
    StoredKey {
        key: BASE64_STANDARD.encode(&keyed.key),
        sha256: BASE64_STANDARD.encode(keyed.fingerprint),
        until: until.unwrap_or(wall).as_microsecond(),
        end: keyed.end,
    }
}

fn read(
    place: &str,
    value: &[u8],
    wall: Timestamp,
    now: Instant,
) -> Option<(ConnectionName, Keyed)> {
    let (name, id) = place.split_once('/')?;
    let stored: StoredKey = serde_json::from_slice(value).ok()?;
    let until = Timestamp::from_microsecond(stored.until).ok()?;
    let left = Duration::try_from(until.duration_since(wall)).unwrap_or_default();
    let keyed = Keyed {
        id: id.parse().ok()?,
        key: BASE64_STANDARD.decode(stored.key).ok()?.into(),
        fingerprint: BASE64_STANDARD
            .decode(stored.sha256)
            .ok()?
            .try_into()
            .ok()?,
        // A clock that was set back must not make a key live for ever.
        until: now + left.min(crate::core::IdempotencyKeys::LIFETIME),
        end: stored.end,
    };
    Some((ConnectionName::new(name).ok()?, keyed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_behind_the_store() {
        let wall = Timestamp::from_microsecond(1_700_000_000_000_000).unwrap();
        let now = Instant::now();
        let name = ConnectionName::new("a.b:c-d").unwrap();
        for end in [None, Some(Fate::Confirmed), Some(Fate::InDoubt)] {
            let keyed = Keyed {
                id: 17,
                key: (*b"acme\0\xff key").into(),
                fingerprint: [0xa5; 32],
                until: now + Duration::from_secs(90),
                end,
            };
            let text = serde_json::to_string(&stored(&keyed, wall, now)).unwrap();
            let again = read(&place(&name, 17), text.as_bytes(), wall, now);
            assert_eq!(again, Some((name.clone(), keyed)), "{text}");
        }
        for (place, value) in [
            ("feed", "{}"),
            ("feed/x", "{}"),
            ("feed/1", "{}"),
            ("/1", ""),
        ] {
            assert_eq!(read(place, value.as_bytes(), wall, now), None);
        }
    }
}
