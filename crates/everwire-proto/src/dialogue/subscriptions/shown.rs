//! Subscriptions as operators see them.

use std::{fmt, sync::Arc, time::Instant};

use super::{
    entry::Entry,
    keys::Subscriptions,
    status::{SubscriptionCounts, SubscriptionStatus},
};

/// How many awaited keys are listed.
const NAMED: usize = 3;

/// What a name waits for before it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwaitedSubscriptions {
    /// How many are undecided.
    pub left: usize,
    /// Out of how many awaited ones.
    pub of: usize,
    /// Since when they are waited for.
    pub since: Instant,
    /// The first undecided ones.
    pub keys: Vec<Arc<str>>,
}

impl fmt::Display for AwaitedSubscriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} subscriptions: ", self.left, self.of)?;
        f.write_str(&self.keys.join(", "))?;
        match self.left > self.keys.len() {
            true => f.write_str(", …"),
            false => Ok(()),
        }
    }
}

impl Subscriptions {
    /// All wanted subscriptions, in the order in which they were first wanted.
    pub fn statuses(&self) -> Vec<SubscriptionStatus> {
        let mut entries: Vec<&Entry> = self.wanted().collect();
        entries.sort_unstable_by_key(|entry| entry.order);
        entries.into_iter().map(Entry::status).collect()
    }

    /// The subscription with this key, if it is wanted.
    pub fn status(&self, key: &str) -> Option<SubscriptionStatus> {
        let entry = self.entries.get(*self.keys.get(key)?)?;
        (!entry.is_leaving()).then(|| entry.status())
    }

    /// The number by state.
    pub fn counts(&self) -> SubscriptionCounts {
        self.counts
    }

    /// What the name waits for before it is ready; `None`: nothing.
    pub fn awaited(&self) -> Option<AwaitedSubscriptions> {
        let gate = self.socket.gate?;
        let mut gated: Vec<&Entry> = self.wanted().filter(|entry| entry.gates).collect();
        gated.sort_unstable_by_key(|entry| entry.order);
        let keys = gated.iter().take(NAMED);
        Some(AwaitedSubscriptions {
            left: gate.left,
            of: gate.of,
            since: gate.since,
            keys: keys.map(|entry| Arc::clone(entry.key())).collect(),
        })
    }

    fn wanted(&self) -> impl Iterator<Item = &Entry> {
        let all = self.entries.iter().map(|(_, entry)| entry);
        all.filter(|entry| !entry.is_leaving())
    }
}
