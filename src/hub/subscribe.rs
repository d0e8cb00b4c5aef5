//! How one comes to hear what happens.

use std::sync::Arc;

use super::{
    callback::Callback,
    delivery::Delivery,
    guard::SubscriptionGuard,
    kinds::Kinds,
    listener::Listener,
    mailbox::Mailbox,
    past::{HasHistory, Past},
    registry::Hub,
    stream::Events,
};
use crate::{
    core::{Cursor, Pattern},
    events::Update,
};

impl Hub {
    /// A stream of what happened behind `since` and of what happens from now on, without a hole between them, whose cursors can
    /// be resumed from. `names` lists those that the pattern selects, and up to where others had said something. It begins with
    /// [`Notice::Lagged`](crate::Notice::Lagged) where something is missing.
    ///
    /// The past is read when the stream is, a piece at a time: what of it has given way until then is told as missing, too.
    pub fn resume(
        self: &Arc<Self>,
        pattern: Pattern,
        delivery: Delivery,
        since: Option<Cursor>,
        names: impl FnOnce() -> (Vec<Arc<dyn HasHistory>>, Cursor),
    ) -> Events {
        let listener = Arc::new(Listener::stream(pattern, delivery, self.account(), true));
        let Some(since) = since else {
            return self.read_from_now(listener);
        };
        self.add(&listener);
        let guard = SubscriptionGuard::new(self, &listener);
        // Listed behind it: what a name says that is opened from now on is told to the subscriber.
        let (names, lost) = names();
        let missed = since > self.now() || (since < lost && listener.kinds().has("message"));
        let past = Past::new(self, &listener, since, missed, names);
        Events::resumed(guard, listener, since, past)
    }

    /// A stream of the events of all names that the pattern selects, now and later.
    pub fn stream(self: &Arc<Self>, pattern: Pattern, delivery: Delivery) -> Events {
        let listener = Listener::stream(pattern, delivery, self.account(), false);
        self.read_from_now(Arc::new(listener))
    }

    fn read_from_now(self: &Arc<Self>, listener: Arc<Listener>) -> Events {
        // Drawn before it is added: what comes in between is then behind this place.
        let start = self.starting_place();
        self.add(&listener);
        Events::new(SubscriptionGuard::new(self, &listener), listener, start)
    }

    /// Hands an actor what happens to the names that the pattern selects, until it stops.
    pub fn actor(
        self: &Arc<Self>,
        pattern: Pattern,
        mailbox: Box<dyn Mailbox>,
        delivery: Delivery,
    ) {
        let hub = Arc::downgrade(self);
        let left = Box::new(move |listener: &Arc<Listener>| {
            if let Some(hub) = hub.upgrade() {
                hub.remove(listener);
            }
        });
        let listener = Listener::actor(pattern, delivery, self.account(), mailbox, left);
        self.add(&Arc::new(listener));
    }

    /// Calls `callback` with each update, in the turn of the name that it happened to.
    pub fn callback(
        self: &Arc<Self>,
        pattern: Pattern,
        kinds: Kinds,
        callback: impl Fn(&Update) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.call_back(pattern, kinds, Callback::Each(Box::new(callback)))
    }

    /// Calls `callback` with all updates that a turn of a name has brought.
    pub fn slice_callback(
        self: &Arc<Self>,
        pattern: Pattern,
        kinds: Kinds,
        callback: impl Fn(&[Update]) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.call_back(pattern, kinds, Callback::Slice(Box::new(callback)))
    }

    fn call_back(
        self: &Arc<Self>,
        pattern: Pattern,
        kinds: Kinds,
        callback: Callback,
    ) -> SubscriptionGuard {
        let listener = Arc::new(Listener::callback(pattern, kinds, callback));
        self.add(&listener);
        SubscriptionGuard::new(self, &listener)
    }
}
