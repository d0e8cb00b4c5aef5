//! The thread that writes to the store.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::{
    captures, keys,
    orders::Orders,
    stakes::Stakes,
    trace,
    write_queue::{Stop, Work, WriteQueue},
};
use crate::{
    core::{Cursor, Queued},
    hub::UnstoredHistory,
    persistence::{NameChanges, Order, PersistSource},
    settings::Fsync,
    store::{Remade, Store, Sync},
    stored::{StoreError, StoredMessage},
};

/// With `fsync = "interval"`, written data survives a power failure after this time.
const INTERVAL: Duration = Duration::from_secs(1);

/// The delay before a failed commit is repeated.
const RETRY: Duration = Duration::from_secs(1);

/// How often the files of the store are checked while nothing is committed.
const LOOK: Duration = Duration::from_secs(1);

/// How often a failing commit is repeated after the order to end.
const LAST_TRIES: u32 = 2;

/// A source with changes in the batch.
#[derive(Clone)]
struct Told {
    source: Arc<dyn PersistSource>,
    /// Its messages up to this id are in the batch.
    last_id: u64,
    /// Its history up to this place is in the batch. `None`: the history and what belongs to it
    /// wait until the store can write again.
    history: Option<Cursor>,
}

/// The store and the next changes.
pub(super) struct StoreWriter {
    store: Store,
    /// The sources that have data in it.
    stakes: Stakes,
    /// The files are gone. Before anything else, the content must be written to new files.
    is_lost: bool,
    /// The last reported error of that attempt.
    told_error: String,
    /// When the files were last seen.
    seen: Instant,
    orders: Orders,
    /// The sources with changes in the batch.
    told: Vec<Told>,
    /// The receivers that wait for the commit of the batch.
    waiting: Vec<oneshot::Sender<()>>,
    sync: Sync,
    /// Since when a commit waits to be synced.
    unsynced: Option<Instant>,
    /// Whether the last commit failed. History, which can wait, then waits.
    failing: bool,
    /// Whether history has waited. The stored history is then not known to be complete.
    history_has_holes: bool,
}

impl StoreWriter {
    /// A writer for a store, with the first changes to write.
    pub fn new(store: Store, orders: Orders) -> Self {
        Self {
            store,
            stakes: Stakes::default(),
            is_lost: false,
            told_error: String::new(),
            seen: Instant::now(),
            orders,
            told: Vec::new(),
            waiting: Vec::new(),
            history_has_holes: false,
            sync: Sync::Lazy,
            unsynced: None,
            failing: false,
        }
    }

    /// Writes what is queued until it is told to end.
    pub fn work(mut self, queue: &WriteQueue) {
        loop {
            let sync = self.unsynced.map(|since| since + INTERVAL);
            let look = self.seen + LOOK;
            let work = queue.wait(Some(sync.map_or(look, |sync| sync.min(look))));
            let stop = self.write(queue, work);
            if stop.is_some()
                || self
                    .unsynced
                    .is_some_and(|since| since.elapsed() >= INTERVAL)
            {
                // The next commit makes up for a failed sync.
                let _again = self.store.sync();
                self.unsynced = None;
            }
            if let Some(waiting) = stop {
                drop(self.store);
                if let Some(waiting) = waiting {
                    // A dropped receiver needs no notice.
                    let _gone = waiting.send(());
                }
                return;
            }
        }
    }

    /// Commits all of it, with any number of attempts. Returns the order to end, if one has come.
    fn write(&mut self, queue: &WriteQueue, work: Work) -> Option<Stop> {
        let mut stop = self.collect(work);
        let mut last_tries = 0;
        while let Err(error) = self.look(&stop).and_then(|()| self.commit_all()) {
            self.failing = true;
            let is_news = self.report_failure(&error);
            if stop.is_some() {
                last_tries += 1;
                if last_tries > LAST_TRIES {
                    break;
                }
            }
            // Gives whoever replaces the directory a moment, unless this is the end.
            if !(is_news && stop.is_some()) {
                queue.pause(RETRY);
            }
            // Calls that came meanwhile share the next attempt.
            stop = self.collect(queue.wait(Some(Instant::now()))).or(stop);
            self.compact();
        }
        stop
    }

    /// Keeps a batch from growing with each failed attempt.
    fn compact(&mut self) {
        self.orders.batch.compact();
        self.waiting.retain(|waiting| !waiting.is_closed());
        let address = |told: &Told| Arc::as_ptr(&told.source).addr();
        self.told
            .sort_by_key(|told| (address(told), told.last_id, told.history));
        self.told.dedup_by(|later, earlier| {
            let is_same = address(later) == address(earlier);
            if is_same {
                earlier.last_id = later.last_id;
                earlier.history = earlier.history.max(later.history);
            }
            is_same
        });
    }

    fn collect(&mut self, work: Work) -> Option<Stop> {
        for source in work.sources {
            let changes = source.take_changes();
            self.put_messages(&*source, &changes);
            self.stakes.note(&source);
            let history = match self.failing {
                false => self.put_history(&*source),
                true => {
                    self.history_has_holes = true;
                    None
                }
            };
            self.told.push(Told {
                source,
                last_id: changes.outbox.last_id,
                history,
            });
        }
        for order in work.orders {
            match order {
                Order::Known(_) if self.history_has_holes => {}
                order => self.orders.add(order),
            }
        }
        // Waiters are told that their data is durable, whatever happens next.
        if !work.waiting.is_empty() {
            self.sync = Sync::Always;
        }
        self.waiting.extend(work.waiting);
        work.stop
    }

    fn put_messages(&mut self, source: &dyn PersistSource, changes: &NameChanges) {
        let (wall, now) = (Timestamp::now(), crate::clock::now());
        for queued in &changes.outbox.put {
            self.orders
                .batch
                .put_message(source.name(), stored(queued, wall, now));
        }
        for &(first, last) in &changes.outbox.gone {
            self.orders.batch.drop_ids(source.name(), first, last);
        }
        keys::put(&mut self.orders.batch, source.name(), changes);
        // A deletion that is lost only sends a message twice. A message that is lost is gone.
        if !changes.outbox.put.is_empty() && source.fsync() == Fsync::Always {
            self.sync = Sync::Always;
        }
    }

    /// Adds the history to the batch. Returns the place up to which it is in the batch or was
    /// stored before.
    fn put_history(&mut self, source: &dyn PersistSource) -> Option<Cursor> {
        // Taken before the history: the messages of these values are then in this commit or in an
        // earlier one.
        captures::put(&mut self.orders.batch, source.name(), &source.take_kept());
        let UnstoredHistory {
            events,
            limit,
            through,
        } = source.take_unstored_history();
        let is_news = !events.is_empty();
        // The peer is told that the message is durable, and will not send it again.
        if is_news && source.acknowledges() && source.fsync() == Fsync::Always {
            self.sync = Sync::Always;
        }
        for event in events {
            self.orders.batch.append_history(source.name(), event);
        }
        if let Some(limit) = limit.filter(|_| is_news) {
            self.orders
                .batch
                .trim_history(source.name(), limit.messages, limit.bytes);
        }
        through
    }

    /// Checks now and then, and at the end, whether the files are still there. If not, writes them
    /// again.
    fn look(&mut self, stop: &Option<Stop>) -> Result<(), StoreError> {
        if self.is_lost {
            let remade = self.store.remake()?;
            self.is_lost = false;
            self.told_error.clear();
            self.remade(&remade);
        }
        let is_end = matches!(stop, Some(Some(_)));
        let is_due = stop.is_none() && self.seen.elapsed() >= LOOK;
        if is_end || is_due {
            self.store.check_place()?;
            self.seen = Instant::now();
        }
        Ok(())
    }

    /// Continues with new files: refused sources are accepted again. What could not be read from
    /// the old files is written from memory, as far as it is there.
    fn remade(&mut self, remade: &Remade) {
        trace::remade(remade);
        for source in self.stakes.sources() {
            let mut last_id = 0;
            if !remade.complete {
                let all = source.take_all();
                self.put_messages(&*source, &all);
                captures::put(
                    &mut self.orders.batch,
                    source.name(),
                    &source.take_all_kept(),
                );
                last_id = all.outbox.last_id;
            }
            self.told.push(Told {
                source,
                last_id,
                history: None,
            });
        }
        if !remade.complete {
            self.history_has_holes = true;
            // No name gets an epoch that it had before.
            self.orders.give(self.orders.highest);
        }
    }

    /// Commits the batch, and then what has waited until the store can write again.
    fn commit_all(&mut self) -> Result<(), StoreError> {
        let waiting = match self.failing {
            true => self.told.clone(),
            false => Vec::new(),
        };
        self.commit()?;
        if waiting.is_empty() {
            return Ok(());
        }
        for told in waiting {
            // This source has called and may not call again.
            let history = self.put_history(&*told.source);
            self.told.push(Told { history, ..told });
        }
        self.commit()
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        // Earlier commits may not be synced yet.
        let is_late = self.sync == Sync::Always && self.unsynced.is_some();
        if !self.orders.batch.is_empty() || is_late {
            self.store.commit(&self.orders.batch, self.sync)?;
            self.seen = Instant::now();
            self.unsynced = match self.sync {
                Sync::Always => None,
                Sync::Lazy => self.unsynced.or(Some(Instant::now())),
            };
        }
        self.orders.batch.clear();
        self.failing = false;
        self.sync = Sync::Lazy;
        for told in self.told.drain(..) {
            told.source.stored(told.last_id, told.history);
        }
        for waiting in self.waiting.drain(..) {
            // A dropped receiver needs no notice.
            let _gone = waiting.send(());
        }
        Ok(())
    }

    /// Tells the sources whose messages wait. If the files are gone, tells all sources with data in
    /// the store. Returns whether the files have just gone.
    fn report_failure(&mut self, error: &StoreError) -> bool {
        let is_news = matches!(error, StoreError::Lost { .. }) && !self.is_lost;
        if is_news {
            self.is_lost = true;
            trace::lost(error);
            for source in self.stakes.sources() {
                source.store_failed(error);
            }
        } else if self.is_lost {
            trace::not_remade(error, &mut self.told_error);
        }
        for told in &self.told {
            Arc::clone(&told.source).store_failed(error);
        }
        is_news
    }
}

fn stored(queued: &Queued, wall: Timestamp, now: Instant) -> StoredMessage {
    StoredMessage {
        id: queued.id,
        at: wall,
        expires_at: queued.expires.and_then(|expires| {
            let left = SignedDuration::try_from(expires.saturating_duration_since(now)).ok()?;
            wall.checked_add(left).ok()
        }),
        message: queued.message.clone(),
    }
}
