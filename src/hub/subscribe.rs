//! How one comes to hear what happens.

use std::sync::Arc;

use super::{
    delivery::Delivery,
    guard::SubscriptionGuard,
    past::{HasHistory, Past},
    registry::Hub,
    stream::Events,
    subscriber::Subscriber,
};
use crate::{
    core::{Cursor, Pattern},
    events::Event,
};

impl Hub {
    /// A stream of what happened behind `since` and of what happens from now on, without a hole between them, whose cursors can
    /// be resumed from. `names` lists those that the pattern selects, and up to where others had said something. It begins with
    /// [`Event::Lagged`] where something is missing.
    ///
    /// The past is read when the stream is, a piece at a time: what of it has given way until then is told as missing, too.
    pub fn resume(
        self: &Arc<Self>,
        pattern: Pattern,
        delivery: Delivery,
        since: Option<Cursor>,
        names: impl FnOnce() -> (Vec<Arc<dyn HasHistory>>, Cursor),
    ) -> Events {
        let subscriber = Subscriber::resumable(pattern, delivery, self.account());
        let subscriber = Arc::new(subscriber);
        // Read before it is added: what comes in between is then behind this place.
        let start = self.now();
        self.add(&subscriber);
        let guard = SubscriptionGuard::new(self, &subscriber);
        let Some(since) = since else {
            return Events::new(guard, subscriber, start);
        };
        // Listed behind it: what a name says that is opened from now on is told to the subscriber.
        let (names, lost) = names();
        let missed = since > self.now() || (since < lost && subscriber.kinds().has("message"));
        let past = Past::new(self, &subscriber, since, missed, names);
        Events::resumed(guard, subscriber, since, past)
    }

    /// A stream of the events of all names that the pattern selects, now and later.
    pub fn stream(self: &Arc<Self>, pattern: Pattern, delivery: Delivery) -> Events {
        let subscriber = Arc::new(Subscriber::queued(pattern, delivery, self.account()));
        let start = self.now();
        self.add(&subscriber);
        Events::new(SubscriptionGuard::new(self, &subscriber), subscriber, start)
    }

    /// Calls `callback` with each event, in the turn of the name that it happened to.
    pub fn callback(
        self: &Arc<Self>,
        pattern: Pattern,
        callback: impl Fn(&Event) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        let subscriber = Arc::new(Subscriber::callback(pattern, Box::new(callback)));
        self.add(&subscriber);
        SubscriptionGuard::new(self, &subscriber)
    }
}
