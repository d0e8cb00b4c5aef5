//! Adding subscribers.

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
    /// A stream of what happened after `since`, and of new events, without a gap, whose cursors can
    /// be resumed from. `names` lists the selected names, and the position up to which messages of
    /// other names are lost. The stream begins with [`Notice::Lagged`](crate::Notice::Lagged) if
    /// events are missing.
    ///
    /// The past is read together with the stream, a piece at a time. Events that are dropped before
    /// that are reported as missing.
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
        // Listed after the subscriber was added, so a name that is opened from now on already
        // delivers to it.
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
        // Drawn before it is added, so events in between come after this position.
        let start = self.starting_place();
        self.add(&listener);
        Events::new(SubscriptionGuard::new(self, &listener), listener, start)
    }

    /// Delivers the events of the names that the pattern selects to an actor, until it stops.
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

    /// Calls `callback` with each update, in the turn of its name.
    pub fn callback(
        self: &Arc<Self>,
        pattern: Pattern,
        kinds: Kinds,
        callback: impl Fn(&Update) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        self.call_back(pattern, kinds, Callback::Each(Box::new(callback)))
    }

    /// Calls `callback` with all updates of a turn of a name.
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
