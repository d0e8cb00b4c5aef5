//! Persistence with a store: one thread, one commit for all names that have something to keep.

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

/// The one writer of a manager's store. Cloning shares it.
///
/// The store is opened when it is needed first. Whoever has something to keep calls; the thread comes, collects what has
/// gathered meanwhile, commits it, and tells those who wait. What is accepted while a commit runs shares the next one.
#[derive(Clone)]
pub(crate) struct Persistence(Arc<PersistenceInner>);

impl Persistence {
    /// The persistence of the store in `dir`, which is not touched yet.
    pub fn new(dir: PathBuf) -> Self {
        let queue = WriteQueue::default();
        let takes = queue.clone();
        Self::with_queue(dir, queue, move |source| takes.call(source))
    }

    /// One whose sources go to `takes`: its store is never asked for.
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

    /// Opens the store, if that was not asked for before. One that cannot be opened for a reason that can pass is tried again until it
    /// can: [`outage`](Self::outage) says so.
    ///
    /// # Errors
    ///
    /// [`StoreError`], when the reason cannot pass by itself: nothing can be kept then.
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

    /// Why the store cannot be opened, though it is needed. It is tried again by itself.
    pub fn outage(&self) -> Option<Outage> {
        self.0.outage.borrow().clone()
    }

    /// Tells of each change of [`outage`](Self::outage) from now on.
    pub fn watch_outage(&self) -> Option<watch::Receiver<Option<Outage>>> {
        Some(self.0.outage.subscribe())
    }

    /// What the store held of a name, with its next epoch; it is handed out once.
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

    /// What the store holds of a name that was opened before the store was: its next epoch, and whether it was closed by hand.
    pub fn look_up(&self, name: &ConnectionName) -> Option<(u32, bool)> {
        self.opened(|opened| match opened.names.get(name) {
            Some(state) => (state.epoch, state.closed_by_hand),
            None => (opened.previous.epoch, false),
        })
    }

    /// Whether the store holds messages of a name that nobody has recalled.
    pub fn holds_messages_of(&self, name: &ConnectionName) -> bool {
        let holds = self.opened(|opened| {
            let state = opened.names.get(name);
            state.is_some_and(|state| !state.outbox.is_empty())
        });
        holds.unwrap_or_default()
    }

    /// Up to where messages are lost with the names that they belonged to, if the last process has left word of it.
    pub fn forgotten(&self) -> Option<Cursor> {
        self.opened(|opened| opened.previous.forgotten)?
    }

    /// The last place in the histories of names that are stored, and that nobody has opened: what they hold is read by no one.
    pub fn last_unopened(&self, pattern: &Pattern) -> Cursor {
        let last = self.opened(|opened| opened.last_unopened(pattern));
        last.flatten().unwrap_or_default()
    }

    /// The values that earlier processes have kept; they are handed out once.
    pub fn take_values(&self) -> Vec<(String, Vec<u8>)> {
        let values = self.opened(|opened| std::mem::take(&mut opened.values));
        values.unwrap_or_default()
    }

    /// What earlier processes have written of what a rate allows; it is handed out once.
    pub fn recall_rate(&self, key: &str) -> Option<StoredRate> {
        self.opened(|opened| opened.rates.remove(key))?
    }

    /// Where this process begins to count events.
    pub fn first_position(&self) -> u64 {
        // Microseconds: the next process begins beyond what this one gives out, as long as that is less than a million
        // events a second, year in, year out.
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default();
        now.max(self.position() + 1)
    }

    /// The greatest position of an event in the store.
    pub fn position(&self) -> u64 {
        let position = self.opened(|opened| opened.position);
        position.unwrap_or_default()
    }

    /// What was wrong with the store when it was opened, in words.
    pub fn damage(&self) -> Option<String> {
        self.opened(|opened| opened.damage())?
    }

    /// Where the store is, or would be.
    pub fn dir(&self) -> Option<&Path> {
        Some(&self.0.dir)
    }

    /// A name has something to write down.
    pub fn call(&self, source: Arc<dyn PersistSource>) {
        (self.0.takes)(source);
    }

    /// Something is to be written down that no name is asked for. Where nobody needs a store it is not.
    pub fn order(&self, order: Order) {
        let shared = &self.0;
        let state = shared.state.lock();
        if !matches!(*state, State::Unused) {
            shared.queue.order(order);
        }
    }

    /// Waits until all that was ordered so far, and what names have called for, is written down. `false`: it cannot be.
    pub async fn written(&self) -> bool {
        let shared = &self.0;
        if !shared.is_used() {
            return true;
        }
        shared.queue.written().await.is_ok()
    }

    /// Waits until all is written down, leaves to the next process what is known, and closes the store.
    pub async fn finish(&self, known: Option<Known>) {
        let shared = &self.0;
        if !shared.is_used() {
            return;
        }
        if let Some(known) = known {
            shared.queue.order(Order::Known(known));
        }
        // A thread that has ended has finished, one way or another.
        let _ended = shared.queue.stop().await;
    }

    /// Works on what the store held, if it is open.
    fn opened<T>(&self, work: impl FnOnce(&mut Opened) -> T) -> Option<T> {
        match &mut *self.0.state.lock() {
            State::Unused | State::Waiting { .. } => None,
            State::Open(opened) => Some(work(opened)),
        }
    }
}

/// An epoch beyond those of all processes that knew theirs from the store, and below that of the next one: the seconds since 1970.
fn epoch_by_the_clock() -> u32 {
    let seconds = u32::try_from(Timestamp::now().as_second());
    seconds.unwrap_or(1).max(1)
}

impl fmt::Debug for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Persistence({:?})", self.dir())
    }
}
