//! The queue of the store's thread: the sources that have called, and the orders.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::persistence::{Order, PersistSource};

/// The queue. Clones share it.
#[derive(Clone, Default)]
pub(super) struct WriteQueue(Arc<Inside>);

#[derive(Default)]
struct Inside {
    work: Mutex<Work>,
    changed: Condvar,
}

/// The content of the queue.
#[derive(Default)]
pub(super) struct Work {
    /// The sources that have something to store. A source calls once until it is asked.
    pub sources: Vec<Arc<dyn PersistSource>>,
    pub orders: Vec<Order>,
    /// The receivers that wait until all of this is written.
    pub waiting: Vec<oneshot::Sender<()>>,
    /// The order to end, with the receivers that wait for it.
    pub stop: Option<Stop>,
}

/// An order to end, with an optional receiver.
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

    /// The receiver is notified when everything in the queue is written. It gets an error if that
    /// will never happen.
    pub fn written(&self) -> oneshot::Receiver<()> {
        let (written, answer) = oneshot::channel();
        self.put(|work| work.waiting.push(written));
        answer
    }

    /// Orders the thread to end when everything is written. The receiver is notified then.
    pub fn stop(&self) -> oneshot::Receiver<()> {
        let (ended, end) = oneshot::channel();
        self.put(|work| work.stop = Some(Some(ended)));
        end
    }

    /// Tells the thread that nobody can call any more.
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

    /// Waits for work until `deadline`, and takes all of it.
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

    /// Puts work back that could not be done. It comes before everything else.
    pub fn put_back(&self, taken: Work) {
        self.put(|work| {
            let newer = mem::replace(work, taken);
            work.sources.extend(newer.sources);
            work.orders.extend(newer.orders);
            work.waiting.extend(newer.waiting);
            work.stop = newer.stop.or(work.stop.take());
        });
    }

    /// Waits for this time, or until the order to end.
    pub fn pause(&self, pause: Duration) {
        let deadline = Instant::now() + pause;
        let mut work = self.0.work.lock();
        while work.stop.is_none() && !self.0.changed.wait_until(&mut work, deadline).timed_out() {}
    }
}
