//! Writes down what must outlive the process: one thread, one store, one commit for all names that have something to keep.

#[cfg(test)]
mod calls;
mod desk;
mod door;
mod keys;
mod opened;
mod opener;
mod orders;
mod past;
mod rates;
mod scribe;
mod stakes;
mod trace;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::watch;

#[cfg(test)]
pub(crate) use self::calls::Calls;
use self::{desk::Desk, opened::Opened, opener::Opener, orders::Orders, scribe::Scribe};
pub(crate) use self::{
    desk::Order,
    door::{Door, NameChanges},
    opener::Outage,
    past::Known,
    rates::StoredRate,
    scribe::left,
};
use crate::{
    core::{ConnectionName, Cursor, IdEpochs, Keyed, Pattern},
    store::{NameState, StoreError},
};

/// The store's kind of the values that the program itself keeps.
const VALUES: &str = "value";

/// The one writer of a manager's store. Cloning shares it.
///
/// The store is opened when it is needed first. Whoever has something to keep calls; the thread comes, collects what has
/// gathered meanwhile, commits it, and tells those who wait. What is accepted while a commit runs shares the next one.
#[derive(Clone)]
pub(crate) struct Keeper(Arc<Shared>);

struct Shared {
    dir: PathBuf,
    desk: Desk,
    /// Where the doors go that have something to write down: to the desk, unless a simulation takes them.
    takes: Box<dyn Fn(Arc<dyn Door>) + Send + Sync>,
    state: Mutex<State>,
    /// Why the store is not open, as long as it is needed and cannot be opened.
    outage: watch::Sender<Option<Outage>>,
}

/// What there is of the store.
enum State {
    /// Nobody has needed it. Exits to `Waiting`, and to `Open`.
    Unused,
    /// It cannot be opened, and a thread tries it again. Exits to `Open`.
    Waiting {
        /// The epoch of the names that are opened meanwhile.
        epoch: u32,
    },
    /// It is open, and stays so.
    Open(Box<Opened>),
}

/// What is known of a name that is opened.
pub(crate) struct Recalled {
    /// What the store held.
    pub state: NameState,
    /// The epochs of the ids that its outbox gave.
    pub ids: Option<IdEpochs>,
    /// The keys of its messages.
    pub keys: Vec<Keyed>,
    /// Behind which place its history has all that came. `None`: nobody knows.
    pub known: Option<Cursor>,
}

impl Keeper {
    /// A keeper of the store in `dir`, which is not touched yet.
    pub fn new(dir: PathBuf) -> Self {
        let desk = Desk::default();
        let takes = desk.clone();
        Self::with_desk(dir, desk, move |door| takes.call(door))
    }

    /// One whose doors go to `takes`.
    fn with_desk(
        dir: PathBuf,
        desk: Desk,
        takes: impl Fn(Arc<dyn Door>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            dir,
            desk,
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
                let outage = Outage::new(&error, opener::FIRST);
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
            known: None,
        };
        match &mut *self.0.state.lock() {
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
    pub fn call(&self, door: Arc<dyn Door>) {
        (self.0.takes)(door);
    }

    /// Something is to be written down that no name is asked for. Where nobody needs a store it is not.
    pub fn order(&self, order: Order) {
        let state = self.0.state.lock();
        if !matches!(*state, State::Unused) {
            self.0.desk.order(order);
        }
    }

    /// Waits until all that was ordered so far, and what names have called for, is written down. `false`: it cannot be.
    pub async fn written(&self) -> bool {
        if !self.0.is_used() {
            return true;
        }
        self.0.desk.written().await.is_ok()
    }

    /// Waits until all is written down, leaves to the next process what is known, and closes the store.
    pub async fn finish(&self, known: Option<Known>) {
        if !self.0.is_used() {
            return;
        }
        if let Some(known) = known {
            self.0.desk.order(Order::Known(known));
        }
        // A thread that has ended has finished, one way or another.
        let _ended = self.0.desk.stop().await;
    }

    /// Works on what the store held, if it is open.
    fn opened<T>(&self, work: impl FnOnce(&mut Opened) -> T) -> Option<T> {
        match &mut *self.0.state.lock() {
            State::Unused | State::Waiting { .. } => None,
            State::Open(opened) => Some(work(opened)),
        }
    }
}

impl Shared {
    fn is_used(&self) -> bool {
        !matches!(*self.state.lock(), State::Unused)
    }

    fn start_thread(&self, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
        let thread = thread::Builder::new().name("everwire-keeper".into());
        let started = thread.spawn(work);
        started.map_err(|error| StoreError::from_io(self.dir.clone(), error))?;
        Ok(())
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

impl Drop for Shared {
    fn drop(&mut self) {
        self.desk.abandon();
    }
}
