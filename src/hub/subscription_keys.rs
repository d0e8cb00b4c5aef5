//! The subscriptions that a subscriber wants.

use std::{collections::HashSet, sync::Arc};

use crate::events::EventKind;

/// The keys of the subscriptions that a subscriber wants. Clones share them.
///
/// ```
/// use everwire::hub::SubscriptionKeys;
///
/// let keys: SubscriptionKeys = ["BTC-USD"].into_iter().collect();
/// assert!(keys.has("BTC-USD") && !keys.has("ETH-USD"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionKeys(Arc<HashSet<Box<str>>>);

impl SubscriptionKeys {
    /// Whether this is one of them.
    ///
    /// ```
    /// use everwire::Delivery;
    ///
    /// let delivery = Delivery::default().subscriptions(["a"]);
    /// let wants = |key: &str| delivery.subscriptions.as_ref().is_none_or(|keys| keys.has(key));
    /// assert!(wants("a") && !wants("b"));
    /// ```
    pub fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }

    /// Whether a message of this key, or of no key, is wanted.
    pub(super) fn want_message_of(&self, key: Option<&str>) -> bool {
        key.is_some_and(|key| self.has(key))
    }

    /// Whether an event of this key, or of no key, is wanted.
    pub(super) fn want(&self, kind: &EventKind, key: Option<&str>) -> bool {
        match kind {
            EventKind::Message(_) => self.want_message_of(key),
            EventKind::Subscription(report) => self.has(&report.key),
            _ => true,
        }
    }
}

impl<K: Into<Box<str>>> FromIterator<K> for SubscriptionKeys {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        Self(Arc::new(keys.into_iter().map(K::into).collect()))
    }
}
