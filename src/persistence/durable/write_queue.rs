//! What waits for the thread of the store: who has called, and what was ordered.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::persistence::{Order, PersistSource};

/// What waits to be written. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct WriteQueue(Arc<Inside>);

#[derive(Default)]
struct Inside {
    work: Mutex<Work>,
    changed: Condvar,
}

/// What lies there.
#[derive(Default)]
pub(super) struct Work {
    /// The sources that have something to write down. A source calls once until it is asked.
    pub sources: Vec<Arc<dyn PersistSource>>,
    pub orders: Vec<Order>,
    /// Who waits until all of this is written down.
    pub waiting: Vec<oneshot::Sender<()>>,
    /// Who waits for the end, if it is to end.
    pub stop: Option<Stop>,
}

/// An end that somebody may wait for.
pub(super) type Stop = Option<oneshot::Sender<()>>;

impl Work {
    fn is_empty(&self) -> bool {
        self.sources.is_empty()
            && self.orders.is_empty()
            && self.waiting.is_empty()
            && self.stop.is_none()
    }
}

impl WriteQueue {
    pub fn call(&self, source: Arc<dyn PersistSource>) {
        self.put(|work| work.sources.push(source));
    }

    pub fn order(&self, order: Order) {
        self.put(|work| work.orders.push(order));
    }

    /// The answer is there when all that lies here now is written down; an error, if it never will be.
    pub fn written(&self) -> oneshot::Receiver<()> {
        let (written, answer) = oneshot::channel();
        self.put(|work| work.waiting.push(written));
        answer
    }

    /// Has the thread end when all is written down; the answer is there then.
    pub fn stop(&self) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        self.put(|work| work.stop = Some(Some(ended)));
        end
    }

    /// Nobody is left who could call.
    pub fn abandon(&self) {
        self.put(|work| {
            work.stop.get_or_insert(None);
        });
    }

    fn put(&self, put: impl FnOnce(&mut Work)) {
        let mut work = self.0.work.lock();
        put(&mut work);
        self.0.changed.notify_one();
    }

    /// Waits for work, until `deadline` at most; takes all there is.
    pub fn wait(&self, deadline: Option<Instant>) -> Work {
        let mut work = self.0.work.lock();
        while work.is_empty() {
            match deadline {
                None => self.0.changed.wait(&mut work),
                Some(deadline) => {
                    if self.0.changed.wait_until(&mut work, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        mem::take(&mut work)
    }

    /// What was taken, and could not be done: it comes before all else.
    pub fn put_back(&self, taken: Work) {
        self.put(|work| {
            let newer = mem::replace(work, taken);
            work.sources.extend(newer.sources);
            work.orders.extend(newer.orders);
            work.waiting.extend(newer.waiting);
            work.stop = newer.stop.or(work.stop.take());
        });
    }

    /// Waits for so long, or for the order to end.
    pub fn pause(&self, pause: Duration) {
        let deadline = Instant::now() + pause;
        let mut work = self.0.work.lock();
        while work.stop.is_none() && !self.0.changed.wait_until(&mut work, deadline).timed_out() {}
    }
}
