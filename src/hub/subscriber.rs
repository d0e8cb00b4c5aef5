//! One subscriber, and what it asked for.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Waker,
    time::Instant,
};

use parking_lot::Mutex;

use super::{
    delivery::{Delivery, Overflow},
    kinds::Kinds,
    queue::{Account, Queue},
};
use crate::{
    core::{ConnectionName, Pattern},
    events::Event,
    panics::panic_text,
};

type Callback = Box<dyn Fn(&Event) + Send + Sync>;

/// One subscriber.
pub(crate) struct Subscriber {
    pattern: Pattern,
    kinds: Kinds,
    /// Whether it may keep names from reading: asked at each frame, without its lock.
    pauses: bool,
    /// Whether it may come back and go on from the cursor of the last event that it read.
    resumes: bool,
    sink: Sink,
}

enum Sink {
    Queue(Mutex<Queue>),
    Callback(Callback),
}

impl Subscriber {
    pub fn queued(pattern: Pattern, delivery: Delivery, account: Account) -> Self {
        Self {
            pattern,
            kinds: delivery.kinds,
            pauses: delivery.overflow == Overflow::Pause,
            resumes: false,
            sink: Sink::Queue(Mutex::new(Queue::new(delivery, account))),
        }
    }

    pub fn resumable(pattern: Pattern, delivery: Delivery, account: Account) -> Self {
        Self {
            resumes: true,
            ..Self::queued(pattern, delivery, account)
        }
    }

    pub fn callback(pattern: Pattern, callback: Callback) -> Self {
        Self {
            pattern,
            kinds: Kinds::default(),
            pauses: false,
            resumes: false,
            sink: Sink::Callback(callback),
        }
    }

    pub fn matches(&self, name: &ConnectionName) -> bool {
        self.pattern.matches(name)
    }

    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    pub fn resumes(&self) -> bool {
        self.resumes
    }

    /// Whether it wants what happened to a name.
    pub fn wants(&self, event: &Event) -> bool {
        self.kinds.wants(event) && event.name().is_some_and(|name| self.matches(name))
    }

    pub fn wants_sent(&self) -> bool {
        self.kinds.has("sent")
    }

    /// Tells an event, if it is of a kind that is wanted. The error is the text of a callback's panic.
    pub fn deliver(&self, event: &Event) -> Result<(), String> {
        match &self.sink {
            Sink::Queue(queue) if self.is_for(event) => {
                push(queue, event.clone());
                Ok(())
            }
            Sink::Callback(callback) if self.is_for(event) => {
                catch_unwind(AssertUnwindSafe(|| callback(event)))
                    .map_err(|panic| panic_text(&*panic))
            }
            Sink::Queue(_) | Sink::Callback(_) => Ok(()),
        }
    }

    /// Hands over an event to one who [keeps](Self::keeps) it.
    pub fn give(&self, event: Event) {
        if let Sink::Queue(queue) = &self.sink {
            push(queue, event);
        }
    }

    /// Whether it has a queue, and wants this event in it.
    pub fn keeps(&self, event: &Event) -> bool {
        matches!(self.sink, Sink::Queue(_)) && self.is_for(event)
    }

    fn is_for(&self, event: &Event) -> bool {
        self.kinds.wants(event) || event.stamp().is_none()
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

fn push(queue: &Mutex<Queue>, event: Event) {
    let reader = queue.lock().push(event);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscriber({})", self.pattern)
    }
}
