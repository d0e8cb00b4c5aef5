//! A keeper with a store: one thread, one commit for all names that have something to keep.

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
    shared::{Shared, State},
    store_writer::Scribe,
    write_queue::Desk,
};
#[cfg(test)]
use super::Calls;
use super::{Door, Known, Order, Outage, Recalled};
use crate::{
    core::{ConnectionName, Cursor, Pattern},
    stored::{NameState, StoreError, StoredRate},
};

/// The one writer of a manager's store. Cloning shares it.
///
/// The store is opened when it is needed first. Whoever has something to keep calls; the thread comes, collects what has
/// gathered meanwhile, commits it, and tells those who wait. What is accepted while a commit runs shares the next one.
#[derive(Clone)]
pub(crate) struct Keeper(Kind);

#[derive(Clone)]
enum Kind {
    Store(Arc<Shared>),
    /// One whose store is simulated.
    #[cfg(test)]
    Scripted(Calls),
}

impl Keeper {
    /// A keeper of the store in `dir`, which is not touched yet.
    pub fn new(dir: PathBuf) -> Self {
        Self(Kind::Store(Arc::new(Shared {
            dir,
            desk: Desk::default(),
            state: Mutex::new(State::Unused),
            outage: watch::Sender::new(None),
        })))
    }

    /// One whose store is simulated.
    #[cfg(test)]
    pub fn scripted(calls: Calls) -> Self {
        Self(Kind::Scripted(calls))
    }

    /// Opens the store, if that was not asked for before. One that cannot be opened for a reason that can pass is tried again until it
    /// can: [`outage`](Self::outage) says so.
    ///
    /// # Errors
    ///
    /// [`StoreError`], when the reason cannot pass by itself: nothing can be kept then.
    pub fn open(&self) -> Result<(), StoreError> {
        let Some(shared) = self.shared() else {
            return Ok(());
        };
        let mut state = shared.state.lock();
        if !matches!(*state, State::Unused) {
            return Ok(());
        }
        let desk = shared.desk.clone();
        *state = match Opened::read(&shared.dir, 1) {
            Ok((store, opened)) => {
                let orders = Orders::new(opened.past.epoch, opened.highest_epoch);
                let scribe = Scribe::new(store, orders);
                shared.start_thread(move || scribe.work(&desk))?;
                State::Open(Box::new(opened))
            }
            Err(error) if error.can_pass() => {
                let epoch = epoch_by_the_clock();
                let opener = Opener::new(shared, epoch);
                let outage = opener::outage(&error, opener::FIRST);
                shared.start_thread(move || opener.work(&desk, &error))?;
                shared.outage.send_replace(Some(outage));
                State::Waiting { epoch }
            }
            Err(error) => return Err(error),
        };
        Ok(())
    }

    /// Why the store cannot be opened, though it is needed. It is tried again by itself.
    pub fn outage(&self) -> Option<Outage> {
        self.shared()?.outage.borrow().clone()
    }

    /// Tells of each change of [`outage`](Self::outage) from now on.
    pub fn watch_outage(&self) -> Option<watch::Receiver<Option<Outage>>> {
        Some(self.shared()?.outage.subscribe())
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
            known: None,
        };
        let Some(shared) = self.shared() else {
            return first(1);
        };
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
            None => (opened.past.epoch, false),
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
        self.opened(|opened| opened.past.forgotten)?
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
        Some(&self.shared()?.dir)
    }

    /// A name has something to write down.
    pub fn call(&self, door: Arc<dyn Door>) {
        match &self.0 {
            Kind::Store(shared) => shared.desk.call(door),
            #[cfg(test)]
            Kind::Scripted(calls) => calls.call(door),
        }
    }

    /// Something is to be written down that no name is asked for. Where nobody needs a store it is not.
    pub fn order(&self, order: Order) {
        let Some(shared) = self.shared() else {
            return;
        };
        let state = shared.state.lock();
        if !matches!(*state, State::Unused) {
            shared.desk.order(order);
        }
    }

    /// Waits until all that was ordered so far, and what names have called for, is written down. `false`: it cannot be.
    pub async fn written(&self) -> bool {
        let Some(shared) = self.shared().filter(|shared| shared.is_used()) else {
            return true;
        };
        shared.desk.written().await.is_ok()
    }

    /// Waits until all is written down, leaves to the next process what is known, and closes the store.
    pub async fn finish(&self, known: Option<Known>) {
        let Some(shared) = self.shared().filter(|shared| shared.is_used()) else {
            return;
        };
        if let Some(known) = known {
            shared.desk.order(Order::Known(known));
        }
        // A thread that has ended has finished, one way or another.
        let _ended = shared.desk.stop().await;
    }

    /// Works on what the store held, if it is open.
    fn opened<T>(&self, work: impl FnOnce(&mut Opened) -> T) -> Option<T> {
        match &mut *self.shared()?.state.lock() {
            State::Unused | State::Waiting { .. } => None,
            State::Open(opened) => Some(work(opened)),
        }
    }

    fn shared(&self) -> Option<&Arc<Shared>> {
        match &self.0 {
            Kind::Store(shared) => Some(shared),
            #[cfg(test)]
            Kind::Scripted(_) => None,
        }
    }
}

/// An epoch beyond those of all processes that knew theirs from the store, and below that of the next one: the seconds since 1970.
fn epoch_by_the_clock() -> u32 {
    let seconds = u32::try_from(Timestamp::now().as_second());
    seconds.unwrap_or(1).max(1)
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({:?})", self.dir())
    }
}
