//! The subscriptions that callers of the API hold. They outlive their callers, and with a store
//! also the process.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
    sync::Arc,
};

use everwire::{ConnectionName, Manager, SubscriptionWish};
use parking_lot::Mutex;

use super::persisted;

/// The held keys, by name.
#[derive(Debug, Default)]
pub struct Holds {
    held: Mutex<HashMap<ConnectionName, HashSet<Arc<str>>>>,
    kept: Mutex<Kept>,
}

/// The subscriptions of earlier processes, until both they and the names are there.
#[derive(Debug, Default)]
struct Kept {
    names_are_open: bool,
    /// The number of subscriptions, by name.
    waiting: BTreeMap<ConnectionName, usize>,
}

/// A subscription that a caller of an earlier process holds.
#[derive(Debug)]
pub struct KeptHold {
    /// The connection.
    pub name: ConnectionName,
    /// The key of the subscription.
    pub key: Arc<str>,
    /// The request of the caller, unchanged.
    pub json: Vec<u8>,
}

impl Holds {
    /// Adds a held key. Returns whether it is new.
    pub fn insert(&self, name: &ConnectionName, key: Arc<str>) -> bool {
        let mut held = self.held.lock();
        match held.get_mut(name) {
            Some(keys) => keys.insert(key),
            None => held.entry(name.clone()).or_default().insert(key),
        }
    }

    /// Whether the key is held.
    pub fn has(&self, name: &ConnectionName, key: &str) -> bool {
        let held = self.held.lock();
        held.get(name).is_some_and(|keys| keys.contains(key))
    }

    /// Removes a held key. Returns whether it was held.
    pub fn remove(&self, name: &ConnectionName, key: &str) -> bool {
        let mut held = self.held.lock();
        let Some(keys) = held.get_mut(name) else {
            return false;
        };
        let was_held = keys.remove(key);
        if keys.is_empty() {
            held.remove(name);
        }
        was_held
    }

    /// Removes all that is held of a name, when the name is removed.
    pub fn forget(&self, manager: &Manager, name: &ConnectionName) {
        let keys = self.held.lock().remove(name).unwrap_or_default();
        for key in keys {
            persisted::forget_subscription(manager, name, &key);
        }
    }

    /// Records what earlier processes have kept, and returns it. It counts as held from now on.
    pub fn keep(
        &self,
        manager: &Manager,
        kept: &[(String, Vec<u8>)],
        mut hold: impl FnMut(KeptHold),
    ) {
        let mut waiting = BTreeMap::<_, usize>::new();
        for (kept_key, json) in kept {
            let Some(subject) = kept_key.strip_prefix(persisted::SUBSCRIPTION) else {
                continue;
            };
            let read = subject.split_once('/');
            let read = read.and_then(|(name, key)| Some((ConnectionName::new(name).ok()?, key)));
            let Some((name, key)) = read else {
                manager.keep(kept_key.as_str(), None);
                continue;
            };
            let (key, json) = (Arc::<str>::from(key), json.clone());
            self.insert(&name, Arc::clone(&key));
            *waiting.entry(name.clone()).or_default() += 1;
            hold(KeptHold { name, key, json });
        }
        self.kept.lock().waiting = waiting;
    }

    /// The names that have kept subscriptions, with their numbers, once all names are there.
    /// `names_are_open`: the names of the configuration are open from now on.
    pub fn ready(&self, names_are_open: bool) -> BTreeMap<ConnectionName, usize> {
        let mut kept = self.kept.lock();
        kept.names_are_open |= names_are_open;
        match kept.names_are_open {
            true => mem::take(&mut kept.waiting),
            false => BTreeMap::new(),
        }
    }
}

/// The request of a caller. An empty request uses the key.
///
/// # Errors
///
/// What is wrong with it.
pub fn wish(json: &[u8]) -> Result<SubscriptionWish, String> {
    if json.trim_ascii().is_empty() {
        return Ok(SubscriptionWish::default());
    }
    let body = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    SubscriptionWish::from_json(&body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use everwire::Settings;

    use super::*;

    #[test]
    fn what_was_kept_counts_as_held_and_waits_for_the_names() {
        let manager = Manager::spawn(Settings::default()).unwrap();
        let holds = Holds::default();
        let kept = [
            ("connection/feed", "{}"),
            ("subscription/feed/trades/a b", r#"{"item":1}"#),
            ("subscription/feed/", ""),
            ("subscription/other/x", ""),
            ("subscription/..", ""),
        ];
        let kept = kept.map(|(key, json)| (key.to_owned(), json.as_bytes().to_vec()));
        let mut passed = Vec::new();
        holds.keep(&manager, &kept, |hold| {
            passed.push(format!("{}: {}", hold.name, hold.key));
        });
        assert_eq!(passed, ["feed: trades/a b", "feed: ", "other: x"]);
        let (feed, other) = (name("feed"), name("other"));
        assert!(holds.has(&feed, "trades/a b") && holds.has(&other, "x"));
        assert!(holds.ready(false).is_empty());
        assert!(!holds.insert(&other, "x".into()) && holds.insert(&other, "y".into()));
        assert!(holds.remove(&other, "y") && !holds.remove(&other, "y"));
        let ready = holds.ready(true);
        assert_eq!((ready[&feed], ready[&other]), (2, 1));
        assert!(holds.ready(true).is_empty(), "once");
        holds.forget(&manager, &feed);
        assert!(!holds.has(&feed, "trades/a b"));
    }

    fn name(text: &str) -> ConnectionName {
        ConnectionName::new(text).unwrap()
    }

    #[test]
    fn a_wish_is_an_object_or_nothing() {
        assert_eq!(wish(b" \n"), Ok(SubscriptionWish::default()));
        assert_eq!(wish(br#"{"item":"a"}"#), Ok(SubscriptionWish::of("a")));
        for wrong in [&b"{"[..], b"[]", b"\"a\""] {
            assert!(wish(wrong).is_err());
        }
    }
}
