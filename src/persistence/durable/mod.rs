//! Persistence with a store: one thread commits the changes of all names together.

mod captures;
mod keys;
mod opened;
mod opener;
mod orders;
mod previous_run;
mod rates;
mod shared;
mod stakes;
mod store_writer;
mod trace;
mod write_queue;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

use self::{
    opened::Opened,
    opener::Opener,
    orders::Orders,
    shared::{PersistenceInner, State},
    store_writer::StoreWriter,
    write_queue::WriteQueue,
};
use super::{Known, Order, Outage, PersistSource, Recalled};
use crate::{
    core::{ConnectionName, Cursor, Pattern},
    stored::{NameState, StoreError, StoredRate},
};

/// The only writer of a manager's store. Clones share it.
///
/// The store is opened when it is first needed. A name that has something to store calls. The
/// thread then collects all pending changes, commits them, and notifies the names. Changes that are
/// accepted during a commit share the next one.
#[derive(Clone)]
pub(crate) struct Persistence(Arc<PersistenceInner>);

impl Persistence {
    /// Persistence with the store in `dir`. The directory is not touched yet.
    pub fn new(dir: PathBuf) -> Self {
        let queue = WriteQueue::default();
        let takes = queue.clone();
        Self::with_queue(dir, queue, move |source| takes.call(source))
    }

    /// Persistence whose sources go to `takes`, so that its store is never used.
    #[cfg(test)]
    pub(super) fn with_takes(
        dir: PathBuf,
        takes: impl Fn(Arc<dyn PersistSource>) + Send + Sync + 'static,
    ) -> Self {
        Self::with_queue(dir, WriteQueue::default(), takes)
    }

    fn with_queue(
        dir: PathBuf,
        queue: WriteQueue,
        takes: impl Fn(Arc<dyn PersistSource>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(PersistenceInner {
            dir,
            queue,
            takes: Box::new(takes),
            state: Mutex::new(State::Unused),
            outage: watch::Sender::new(None),
        }))
    }

    /// Opens the store, unless this was done before. If it cannot be opened for a reason that can
    /// pass, a thread tries again until it can: [`outage`](Self::outage) reports it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the reason cannot pass by itself: nothing can be stored then.
    pub fn open(&self) -> Result<(), StoreError> {
        let shared = &self.0;
        let mut state = shared.state.lock();
        if !matches!(*state, State::Unused) {
            return Ok(());
        }
        let queue = shared.queue.clone();
        *state = match Opened::read(&shared.dir, 1) {
            Ok((store, opened)) => {
                let orders = Orders::new(opened.previous.epoch, opened.highest_epoch);
                let writer = StoreWriter::new(store, orders);
                shared.start_thread(move || writer.work(&queue))?;
                State::Open(Box::new(opened))
            }
            Err(error) if error.can_pass() => {
                let epoch = epoch_by_the_clock();
                let opener = Opener::new(shared, epoch);
                let outage = opener::outage(&error, opener::FIRST);
                shared.start_thread(move || opener.work(&queue, &error))?;
                shared.outage.send_replace(Some(outage));
                State::Waiting { epoch }
            }
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Why the store cannot be opened though it is needed. A thread keeps trying.
    pub fn outage(&self) -> Option<Outage> {
        self.0.outage.borrow().clone()
    }

    /// Watches [`outage`](Self::outage) from now on.
    pub fn watch_outage(&self) -> Option<watch::Receiver<Option<Outage>>> {
        Some(self.0.outage.subscribe())
    }

    /// The stored state of a name, with its next epoch. It is returned once.
    pub fn recall(&self, name: &ConnectionName) -> Recalled {
        let first = |epoch| Recalled {
            state: NameState {
                epoch,
                ..NameState::default()
            },
            ids: None,
            keys: Vec::new(),
            captures: Vec::new(),
            known: None,
        };
        let shared = &self.0;
        match &mut *shared.state.lock() {
            State::Unused => first(1),
            State::Waiting { epoch } => first(*epoch),
            State::Open(opened) => opened.recall(name),
        }
    }

    /// The stored state of a name that was opened before the store was: its next epoch, and whether
    /// it was closed by hand.
    pub fn look_up(&self, name: &ConnectionName) -> Option<(u32, bool)> {
        self.opened(|opened| match opened.names.get(name) {
            Some(state) => (state.epoch, state.closed_by_hand),
            None => (opened.previous.epoch, false),
        })
    }

    /// Whether the store has messages of a name that was not recalled yet.
    pub fn holds_messages_of(&self, name: &ConnectionName) -> bool {
        let holds = self.opened(|opened| {
            let state = opened.names.get(name);
            state.is_some_and(|state| !state.outbox.is_empty())
        });
        holds.unwrap_or_default()
    }

    /// Up to this place, messages were deleted with their names. `None` if the last process did not
    /// record it.
    pub fn forgotten(&self) -> Option<Cursor> {
        self.opened(|opened| opened.previous.forgotten)?
    }

    /// The last place in the stored histories of names that were not opened. No process reads
    /// these.
    pub fn last_unopened(&self, pattern: &Pattern) -> Cursor {
        let last = self.opened(|opened| opened.last_unopened(pattern));
        last.flatten().unwrap_or_default()
    }

    /// The values that earlier processes have stored. They are returned once.
    pub fn take_values(&self) -> Vec<(String, Vec<u8>)> {
        let values = self.opened(|opened| std::mem::take(&mut opened.values));
        values.unwrap_or_default()
    }

    /// The stored state of a rate limit. It is returned once.
    pub fn recall_rate(&self, key: &str) -> Option<StoredRate> {
        self.opened(|opened| opened.rates.remove(key))?
    }

    /// The first position of this process's events.
    pub fn first_position(&self) -> u64 {
        // The time in microseconds. The next process starts behind the positions of this one, if
        // this one has fewer than a million events a second on average.
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
        now.max(self.position() + 1)
    }

    /// The greatest position of an event in the store.
    pub fn position(&self) -> u64 {
        let position = self.opened(|opened| opened.position);
        position.unwrap_or_default()
    }

    /// What was wrong with the store when it was opened, as text.
    pub fn damage(&self) -> Option<String> {
        self.opened(|opened| opened.damage())?
    }

    /// The directory of the store, even if the store is not created yet.
    pub fn dir(&self) -> Option<&Path> {
        Some(&self.0.dir)
    }

    /// Called by a name that has something to store.
    pub fn call(&self, source: Arc<dyn PersistSource>) {
        (self.0.takes)(source);
    }

    /// Stores something that does not come from a name. Without a store in use, does nothing.
    pub fn order(&self, order: Order) {
        let shared = &self.0;
        let state = shared.state.lock();
        if !matches!(*state, State::Unused) {
            shared.queue.order(order);
        }
    }

    /// Waits until all earlier orders and calls are written. `false` if they cannot be.
    pub async fn written(&self) -> bool {
        let shared = &self.0;
        if !shared.is_used() {
            return true;
        }
        shared.queue.written().await.is_ok()
    }

    /// Waits until everything is written, records `known` for the next process, and closes the
    /// store.
    pub async fn finish(&self, known: Option<Known>) {
        let shared = &self.0;
        if !shared.is_used() {
            return;
        }
        if let Some(known) = known {
            shared.queue.order(Order::Known(known));
        }
        // If the thread has already ended, there is nothing to wait for.
        let _ended = shared.queue.stop().await;
    }

    /// Runs `work` on what the store held, if it is open.
    fn opened<T>(&self, work: impl FnOnce(&mut Opened) -> T) -> Option<T> {
        match &mut *self.0.state.lock() {
            State::Unused | State::Waiting { .. } => None,
            State::Open(opened) => Some(work(opened)),
        }
    }
}

/// An epoch for a process without an open store: the seconds since 1970. It is greater than the
/// epochs of all processes that had the store open, and smaller than that of the next process.
fn epoch_by_the_clock() -> u32 {
    let seconds = u32::try_from(Timestamp::now().as_second());
    seconds.unwrap_or(1).max(1)
}

impl fmt::Debug for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Persistence({:?})", self.dir())
    }
}
