//! One subscriber and its options.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    time::Instant,
};

use parking_lot::Mutex;

use super::{
    amount::Amount,
    batch::Batch,
    callback::Callback,
    delivery::{Delivery, Overflow},
    json::JsonMemory,
    kinds::Kinds,
    lease::{Lease, Lender},
    mailbox::{Mailbox, later},
    new_events::NewEvents,
    queue::{Account, Queue, Reader, Room, Taken},
    run::{Run, Span},
    subscription_keys::SubscriptionKeys,
    turn::wake_at_end,
};
use crate::{
    core::{ConnectionName, Pattern},
    events::{Event, EventKind, Lagged, Notice, Stamp, Update},
};

/// One subscriber.
pub(crate) struct Listener {
    pattern: Pattern,
    kinds: Kinds,
    /// Messages that were routed to other keys are not delivered. Few readers have this.
    subscriptions: Option<SubscriptionKeys>,
    /// Whether it may pause the reading of names.
    pauses: bool,
    /// Whether it may resume later from the cursor of its last event.
    resumes: bool,
    is_removed: AtomicBool,
    /// Whether a status counts it.
    is_counted: AtomicBool,
    /// Where the JSON of its updates is counted; `None` if it makes none.
    json: Option<Arc<JsonMemory>>,
    sink: Sink,
}

enum Sink {
    /// The reader is a stream.
    Stream(Mutex<Queue>),
    /// The reader is an actor.
    Actor(Mutex<Queue>, ActorReader),
    Callback(Callback),
}

struct ActorReader {
    mailbox: Box<dyn Mailbox>,
    /// Called when the actor is gone, or was cut off.
    left: Left,
}

/// Unsubscribes.
pub(super) type Left = Box<dyn Fn(&Arc<Listener>) + Send + Sync>;

impl Listener {
    pub fn stream(pattern: Pattern, delivery: Delivery, account: Account, resumes: bool) -> Self {
        let json = Arc::clone(&account.json);
        let queue = Queue::new(delivery.clone(), account, Reader::None);
        let sink = Sink::Stream(Mutex::new(queue));
        Self::new(pattern, delivery, resumes, Some(json), sink)
    }

    pub fn actor(
        pattern: Pattern,
        delivery: Delivery,
        account: Account,
        mailbox: Box<dyn Mailbox>,
        left: Left,
    ) -> Self {
        let json = Arc::clone(&account.json);
        let queue = Queue::new(delivery.clone(), account, Reader::Actor);
        let sink = Sink::Actor(Mutex::new(queue), ActorReader { mailbox, left });
        Self::new(pattern, delivery, false, Some(json), sink)
    }

    pub fn callback(pattern: Pattern, kinds: Kinds, callback: Callback) -> Self {
        let delivery = Delivery::default().kinds(kinds);
        Self::new(pattern, delivery, false, None, Sink::Callback(callback))
    }

    fn new(
        pattern: Pattern,
        delivery: Delivery,
        resumes: bool,
        json: Option<Arc<JsonMemory>>,
        sink: Sink,
    ) -> Self {
        Self {
            pattern,
            kinds: delivery.kinds,
            subscriptions: delivery.subscriptions,
            pauses: delivery.overflow == Overflow::Pause && !matches!(sink, Sink::Callback(_)),
            resumes,
            is_removed: AtomicBool::new(false),
            is_counted: AtomicBool::new(true),
            json,
            sink,
        }
    }

    pub fn matches(&self, name: &ConnectionName) -> bool {
        self.pattern.matches(name)
    }

    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    pub fn pauses(&self) -> bool {
        self.pauses
    }

    pub fn resumes(&self) -> bool {
        self.resumes
    }

    /// Stops the delivery.
    pub fn remove(&self) {
        self.is_removed.store(true, Ordering::Release);
    }

    /// Excludes it from the count in a status.
    pub fn leave_out(&self) {
        self.is_counted.store(false, Ordering::Relaxed);
    }

    pub fn is_counted(&self) -> bool {
        self.is_counted.load(Ordering::Relaxed)
    }

    pub fn is_removed(&self) -> bool {
        self.is_removed.load(Ordering::Acquire)
    }

    /// Whether it wants an event of a name.
    pub fn wants(&self, event: &Event) -> bool {
        self.kinds.wants(event.kind.number())
            && self.matches(&event.stamp.name)
            && self.wants_key(&event.kind, event.stamp.subscription.as_deref())
    }

    /// The keys that messages must be routed to; `None`: any, or none.
    pub fn subscriptions(&self) -> Option<&SubscriptionKeys> {
        self.subscriptions.as_ref()
    }

    /// Whether it wants a message of this key, or of no key.
    fn wants_key(&self, kind: &EventKind, key: Option<&str>) -> bool {
        let keys = self.subscriptions.as_ref();
        keys.is_none_or(|keys| keys.want(kind, key))
    }

    /// Whether it is a callback in the turn of the name.
    pub fn is_called(&self) -> bool {
        matches!(self.sink, Sink::Callback(_))
    }

    /// Calls back with events whose first stands at `first`. The error is the text of a panic.
    pub fn call(&self, first: &Stamp, events: &mut NewEvents) -> Result<(), String> {
        match &self.sink {
            Sink::Callback(callback) => callback.call(first, events),
            Sink::Stream(_) | Sink::Actor(..) => Ok(()),
        }
    }

    /// Delivers a notice. A panic of a callback costs no socket here, since a notice belongs to no
    /// name.
    pub fn notify(self: &Arc<Self>, notice: Notice) {
        match &self.sink {
            Sink::Callback(callback) => {
                let _panicked = callback.tell(&Update::Notice(notice));
            }
            Sink::Stream(_) | Sink::Actor(..) => self.push(Span::from(notice)),
        }
    }

    /// Queues the events of a run that it wants. The reader is woken at the end of the turn.
    pub fn push_run(self: &Arc<Self>, run: Arc<Run>) {
        match self.subscriptions {
            None => self.push(Span::from(run)),
            Some(_) => Span::parts(&run, |kind, key| self.wants_key(kind, key))
                .for_each(|part| self.push(part)),
        }
    }

    /// Queues events. The reader is woken at the end of the turn.
    pub fn push(self: &Arc<Self>, span: Span) {
        let Some(queue) = self.queue() else {
            return;
        };
        let reader = queue.lock().push(span);
        self.wake(reader);
    }

    fn wake(self: &Arc<Self>, reader: Reader) {
        match reader {
            Reader::None => {}
            Reader::Task(waker) => wake_at_end(waker),
            Reader::Actor => wake_at_end(Waker::from(Arc::clone(self))),
        }
    }

    /// How much a name may publish before it asks again; `None`: it should stop reading until
    /// `waker` is woken.
    pub fn room(self: &Arc<Self>, now: Instant, waker: &Waker) -> Option<Room> {
        let Some(queue) = self.queue() else {
            return Some(Room::UNLIMITED);
        };
        let (room, reader) = queue.lock().room(now, waker);
        self.wake(reader);
        room
    }

    /// The queue, for its one reader.
    pub fn queue(&self) -> Option<&Mutex<Queue>> {
        match &self.sink {
            Sink::Stream(queue) | Sink::Actor(queue, _) => Some(queue),
            Sink::Callback(_) => None,
        }
    }
    /// All waiting updates, as a batch that counts against the bound until it is dropped; `None` if
    /// nothing waits.
    pub fn batch(self: &Arc<Self>, taken: Taken) -> Option<Batch> {
        let Taken {
            mut spans,
            amount,
            missed,
            ..
        } = taken;
        if missed > 0 {
            spans.push_front(Span::from(Lagged::now(Some(missed))));
        }
        // A batch of only a lag notice has a lease, too: the next batch comes when this one is
        // dropped. If the past had delivered all of it already, the lease ends here.
        let is_something = !spans.is_empty() || amount != Amount::default();
        let lease = is_something.then(|| Lease::new(Arc::<Self>::clone(self), amount));
        (!spans.is_empty()).then(|| Batch::new(spans, lease))
    }

    /// Sends an actor the updates that wait for it, if there are any.
    pub fn feed(self: &Arc<Self>) {
        let Sink::Actor(queue, reader) = &self.sink else {
            return;
        };
        if !reader.mailbox.is_open() {
            return self.leave(queue, reader);
        }
        let mut taken = queue.lock().take_batch(|| Reader::Actor);
        let wake = std::mem::take(&mut taken.wake);
        wake.into_iter().for_each(Waker::wake);
        let is_last = taken.closed;
        if let Some(batch) = self.batch(taken) {
            reader.mailbox.send(batch);
        }
        if is_last {
            self.leave(queue, reader);
        }
    }

    /// The actor is gone, or was cut off.
    fn leave(self: &Arc<Self>, queue: &Mutex<Queue>, reader: &ActorReader) {
        (reader.left)(self);
        let paused = queue.lock().close();
        paused.into_iter().for_each(Waker::wake);
    }
}

impl Lender for Listener {
    /// Where the JSON of its updates is counted.
    fn json_memory(&self) -> Option<&Arc<JsonMemory>> {
        self.json.as_ref()
    }

    fn release(self: Arc<Self>, amount: Amount) {
        let (queue, reader) = match &self.sink {
            Sink::Stream(queue) => (queue, Reader::None),
            Sink::Actor(queue, _) => (queue, Reader::Actor),
            Sink::Callback(_) => return,
        };
        let (paused, waits) = queue.lock().release(amount, reader);
        paused.into_iter().for_each(Waker::wake);
        if waits && matches!(self.sink, Sink::Actor(..)) {
            later(Box::new(move || self.feed()));
        }
    }
}

/// The waker of an actor.
impl Wake for Listener {
    fn wake(self: Arc<Self>) {
        self.feed();
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listener({})", self.pattern)
    }
}
