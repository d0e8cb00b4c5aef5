//! A guard that keeps a subscription alive.

use std::sync::{Arc, Weak};

use super::{listener::Listener, registry::Hub};

/// Keeps a subscription; dropping it unsubscribes.
#[must_use = "dropping this ends the subscription"]
#[derive(Debug)]
pub struct SubscriptionGuard {
    hub: Weak<Hub>,
    subscriber: Weak<Listener>,
}

impl SubscriptionGuard {
    pub(super) fn new(hub: &Arc<Hub>, subscriber: &Arc<Listener>) -> Self {
        Self {
            hub: Arc::downgrade(hub),
            subscriber: Arc::downgrade(subscriber),
        }
    }

    /// Leaves the subscription out of [`Status::subscribers`](crate::Status::subscribers): for what belongs to the program itself, such as its
    /// log.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::Pattern;
    ///
    /// let log = manager.on_event(Pattern::all(), |event| println!("{}", event.type_name()));
    /// let log = log.uncounted();
    /// # drop(log);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn uncounted(self) -> Self {
        if let Some(subscriber) = self.subscriber.upgrade() {
            subscriber.leave_out();
        }
        self
    }

    /// Keeps the subscription for as long as the manager lives.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::Pattern;
    ///
    /// let guard = manager.on_event(Pattern::all(), |event| println!("{}", event.type_name()));
    /// guard.forever();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forever(mut self) {
        self.hub = Weak::new();
    }
}

impl Drop for SubscriptionGuard {
    fn drop(&mut self) {
        if let (Some(hub), Some(subscriber)) = (self.hub.upgrade(), self.subscriber.upgrade()) {
            hub.remove(&subscriber);
        }
    }
}
