//! A subscriber's options.

use super::{kinds::Kinds, subscription_keys::SubscriptionKeys};

/// How much may wait for a subscriber, and what happens beyond that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How many events may wait; at least 1. The reader may hold as many again.
    pub events: usize,
    /// How many payload bytes may wait. A single larger message is still delivered.
    pub bytes: usize,
    /// What happens beyond that.
    pub overflow: Overflow,
    /// The kinds of events that it wants.
    pub kinds: Kinds,
    /// Limits messages and subscription events to these keys; `None`: all.
    pub subscriptions: Option<SubscriptionKeys>,
}

/// What happens to a subscriber that is too slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It loses the oldest events, and [`Notice::Lagged`](crate::Notice::Lagged) says how many.
    #[default]
    Drop,
    /// It is cut off: [`Notice::Lagged`](crate::Notice::Lagged) says how many events it missed,
    /// then its stream ends.
    Disconnect,
    /// Its sockets are not read until there is room. After 5 s the subscriber is cut off.
    Pause,
}

impl Default for Delivery {
    /// 1,024 events and 16 MiB, beyond which the oldest are dropped; all kinds but `sent`.
    fn default() -> Self {
        Self {
            events: 1024,
            bytes: 16 << 20,
            overflow: Overflow::Drop,
            kinds: Kinds::default(),
            subscriptions: None,
        }
    }
}

impl Delivery {
    /// Sets what happens to a slow subscriber.
    ///
    /// ```
    /// use everwire::{Delivery, Overflow};
    ///
    /// // A reader that must not miss anything: the sockets wait for it.
    /// let delivery = Delivery::default().overflow(Overflow::Pause);
    /// assert_eq!(delivery.overflow, Overflow::Pause);
    /// ```
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets the kinds of events.
    ///
    /// ```
    /// use everwire::{Delivery, hub::Kinds};
    ///
    /// let delivery = Delivery::default().kinds(Kinds::parse("message,gap")?);
    /// assert!(delivery.kinds.has("gap") && !delivery.kinds.has("closed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kinds(mut self, kinds: Kinds) -> Self {
        self.kinds = kinds;
        self
    }

    /// Sets how many events may wait; 0 counts as 1.
    ///
    /// ```
    /// use everwire::Delivery;
    ///
    /// // A page that shows what is new: old events are of no use to it.
    /// let delivery = Delivery::default().events(16);
    /// assert_eq!(delivery.events, 16);
    /// assert_eq!(delivery.events(0).events, 1);
    /// ```
    pub fn events(mut self, events: usize) -> Self {
        self.events = events.max(1);
        self
    }

    /// Limits messages and `subscription` events to those of these keys. Other events are delivered
    /// as before.
    ///
    /// ```
    /// use everwire::Delivery;
    ///
    /// let delivery = Delivery::default().subscriptions(["BTC-USD", "ETH-USD"]);
    /// assert!(delivery.subscriptions.is_some_and(|keys| keys.has("BTC-USD") && !keys.has("XRP-USD")));
    /// ```
    pub fn subscriptions<K: Into<Box<str>>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.subscriptions = Some(keys.into_iter().collect());
        self
    }
}
