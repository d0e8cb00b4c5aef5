//! Handles a store that cannot be opened yet: a thread keeps trying, and collects orders meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    opened::Opened,
    orders::Orders,
    shared::{PersistenceInner, State},
    store_writer::StoreWriter,
    trace,
    write_queue::{Work, WriteQueue},
};
use crate::{
    core::ConnectionName,
    persistence::{Order, Outage},
    store::Store,
    stored::StoreError,
};

/// The delay before the second attempt. The delay doubles with each failure.
pub(super) const FIRST: Duration = Duration::from_secs(1);

/// The longest delay between two attempts.
const LONGEST: Duration = Duration::from_secs(30);

/// The outage after a failed attempt, with the time of the next one.
pub(super) fn outage(error: &StoreError, delay: Duration) -> Outage {
    let now = Timestamp::now();
    Outage {
        text: error.to_string().into(),
        retry_at: now.checked_add(delay).unwrap_or(now),
    }
}

/// The thread that opens the store.
pub(super) struct Opener {
    shared: Weak<PersistenceInner>,
    dir: PathBuf,
    /// The epoch of the names that are opened meanwhile.
    epoch: u32,
    /// The collected orders and sources.
    kept: Work,
    orders: Orders,
    changed: Changed,
    told_error: String,
}

/// Collected orders about data of earlier processes.
#[derive(Default)]
struct Changed {
    forgotten: BTreeSet<ConnectionName>,
    closed: BTreeMap<ConnectionName, bool>,
    values: BTreeSet<String>,
}

impl Changed {
    fn note(&mut self, order: &Order) {
        match order {
            Order::Closed(name, closed) => {
                self.closed.insert(name.clone(), *closed);
            }
            Order::Forget(name) => {
                self.forgotten.insert(name.clone());
                self.closed.remove(name);
            }
            Order::Value(key, _) => {
                self.values.insert(key.clone());
            }
            Order::Epoch(..) | Order::Given(_) | Order::Known(_) | Order::Rate(..) => {}
        }
    }

    fn apply(&self, opened: &mut Opened) {
        for name in &self.forgotten {
            opened.forget(name);
        }
        for (name, closed) in &self.closed {
            if let Some(state) = opened.names.get_mut(name) {
                state.closed_by_hand = *closed;
            }
        }
        let values = &mut opened.values;
        values.retain(|(key, _)| !self.values.contains(key));
    }
}

impl Opener {
    /// An opener for the store of `shared`. Names have this epoch until the store is open.
    pub fn new(shared: &Arc<PersistenceInner>, epoch: u32) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            dir: shared.dir.clone(),
            epoch,
            kept: Work::default(),
            orders: Orders::new(epoch, epoch),
            changed: Changed::default(),
            told_error: String::new(),
        }
    }

    /// Tries until the store is open, then writes what is queued. `error` is the error of the
    /// attempt before this thread.
    pub fn work(mut self, queue: &WriteQueue, error: &StoreError) {
        trace::not_opened(error, &mut self.told_error);
        let mut delay = FIRST;
        loop {
            self.wait(queue, delay);
            match Opened::read(&self.dir, self.epoch) {
                Ok((store, opened)) => return self.opened(queue, store, opened),
                Err(error) => {
                    trace::not_opened(&error, &mut self.told_error);
                    if let Some(waiting) = self.kept.stop.take() {
                        // A dropped receiver needs no notice.
                        let _gone = waiting.map(|waiting| waiting.send(()));
                        return;
                    }
                    delay = (2 * delay).min(LONGEST);
                    if let Some(shared) = self.shared.upgrade() {
                        let outage = outage(&error, delay);
                        shared.outage.send_replace(Some(outage));
                    }
                }
            }
        }
    }

    /// Collects what is queued, for `delay` or until the order to end.
    fn wait(&mut self, queue: &WriteQueue, delay: Duration) {
        let until = Instant::now() + delay;
        while self.kept.stop.is_none() && Instant::now() < until {
            self.collect(queue.wait(Some(until)));
            self.orders.batch.compact();
            self.kept.waiting.retain(|waiting| !waiting.is_closed());
        }
    }

    fn collect(&mut self, work: Work) {
        // A source calls only once until it is asked, so it must be kept.
        self.kept.sources.extend(work.sources);
        self.kept.waiting.extend(work.waiting);
        self.kept.stop = work.stop.or(self.kept.stop.take());
        for order in work.orders {
            self.changed.note(&order);
            // Nobody knows yet what the histories hold from before.
            if !matches!(order, Order::Known(_)) {
                self.orders.add(order);
            }
        }
    }

    /// Continues with an open store. At the end of the process, writes the orders and nothing else.
    fn opened(mut self, queue: &WriteQueue, store: Store, mut opened: Opened) {
        let (epoch, highest) = (opened.previous.epoch, opened.highest_epoch);
        if let Some(shared) = self.shared.upgrade()
            && self.kept.stop.is_none()
        {
            let mut state = shared.state.lock();
            // Later orders come behind these.
            self.collect(queue.wait(Some(Instant::now())));
            self.changed.apply(&mut opened);
            *state = State::Open(Box::new(opened));
            drop(state);
            shared.outage.send_replace(None);
            trace::opened(&self.dir);
        }
        self.orders.highest = self.orders.highest.max(highest);
        // An order may have a lower epoch.
        self.orders.give(self.orders.given.max(epoch));
        queue.put_back(self.kept);
        StoreWriter::new(store, self.orders).work(queue);
    }
}
