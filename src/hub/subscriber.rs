//! One subscriber, and what it asked for.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
    task::Waker,
    time::Instant,
};

use parking_lot::Mutex;

use super::{Hub, queue::Queue};
use crate::{
    core::{ConnectionName, Pattern},
    events::Event,
    panics::panic_text,
};

/// How much may wait for a subscriber, and what happens when it is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How many events may wait; at least 1. A reader may hold as many again.
    pub events: usize,
    /// How many payload bytes may wait. A single larger message is delivered all the same.
    pub bytes: usize,
    /// What happens when it is more.
    pub overflow: Overflow,
}

/// What happens to a subscriber that is too slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// It loses the oldest events, and is told how many by [`Event::Lagged`].
    #[default]
    Drop,
    /// It is cut off: [`Event::Lagged`] says how many events it missed, then its stream ends.
    Disconnect,
    /// The sockets that feed it are not read until there is room; after 5 s it is cut off.
    Pause,
}

impl Default for Delivery {
    /// 1,024 events, 16 MiB, the oldest are dropped.
    fn default() -> Self {
        Self {
            events: 1024,
            bytes: 16 << 20,
            overflow: Overflow::Drop,
        }
    }
}

impl Delivery {
    /// The same with another answer to being too slow.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// The same with another number of events that may wait; 0 counts as 1.
    pub fn events(mut self, events: usize) -> Self {
        self.events = events.max(1);
        self
    }
}

type Callback = Box<dyn Fn(&Event) + Send + Sync>;

/// One subscriber.
pub(crate) struct Subscriber {
    pattern: Pattern,
    /// Whether it may keep names from reading: asked at each frame, without its lock.
    pauses: bool,
    sink: Sink,
}

enum Sink {
    Queue(Mutex<Queue>),
    Callback(Callback),
}

impl Subscriber {
    pub fn queued(pattern: Pattern, delivery: Delivery) -> Self {
        Self {
            pattern,
            pauses: delivery.overflow == Overflow::Pause,
            sink: Sink::Queue(Mutex::new(Queue::new(delivery))),
        }
    }

    pub fn callback(pattern: Pattern, callback: Callback) -> Self {
        Self {
            pattern,
            pauses: false,
            sink: Sink::Callback(callback),
        }
    }

    pub fn matches(&self, name: &ConnectionName) -> bool {
        self.pattern.matches(name)
    }

    /// Hands over an event. The error is the text of a callback's panic.
    pub fn deliver(&self, event: Event) -> Result<(), String> {
        match &self.sink {
            Sink::Queue(queue) => {
                let reader = queue.lock().push(event);
                if let Some(reader) = reader {
                    reader.wake();
                }
                Ok(())
            }
            Sink::Callback(callback) => catch_unwind(AssertUnwindSafe(|| callback(&event)))
                .map_err(|panic| panic_text(&*panic)),
        }
    }

    pub fn is_paused(&self, now: Instant, waker: &Waker) -> bool {
        self.pauses
            && self
                .queue()
                .is_some_and(|queue| queue.lock().is_paused(now, waker))
    }

    /// The queue, for its one reader.
    pub fn queue(&self) -> Option<&Mutex<Queue>> {
        match &self.sink {
            Sink::Queue(queue) => Some(queue),
            Sink::Callback(_) => None,
        }
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriber({})", self.pattern)
    }
}

/// Keeps a subscription; dropping it unsubscribes.
#[must_use = "dropping this ends the subscription"]
#[derive(Debug)]
pub struct SubscriptionGuard {
    hub: Weak<Hub>,
    subscriber: Weak<Subscriber>,
}

impl SubscriptionGuard {
    pub(super) fn new(hub: &Arc<Hub>, subscriber: &Arc<Subscriber>) -> Self {
        Self {
            hub: Arc::downgrade(hub),
            subscriber: Arc::downgrade(subscriber),
        }
    }

    /// Keeps the subscription for as long as the manager lives.
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
