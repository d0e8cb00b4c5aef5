//! Writes down what must outlive the process: one thread, one store, one commit for all names that have something to keep.

#[cfg(test)]
mod calls;
mod desk;
mod door;
mod keys;
mod past;
mod rates;
mod scribe;
mod stakes;
mod trace;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use jiff::Timestamp;
use parking_lot::Mutex;

#[cfg(test)]
pub(crate) use self::calls::Calls;
use self::{desk::Desk, keys::Left, past::Past, scribe::Scribe};
pub(crate) use self::{
    desk::Order,
    door::{Door, NameChanges},
    past::Known,
    rates::StoredRate,
    scribe::left,
};
use crate::{
    core::{ConnectionName, Cursor, IdEpochs, Keyed, Pattern},
    store::{Damage, NameState, Store, StoreError},
};

/// The store's kind of the values that the program itself keeps.
const VALUES: &str = "value";

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

struct Shared {
    dir: PathBuf,
    desk: Desk,
    opened: Mutex<Option<Opened>>,
}

/// What the store held when it was opened.
struct Opened {
    /// The names that have not been recalled.
    names: BTreeMap<ConnectionName, NameState>,
    /// Of those names.
    left: Left,
    past: Past,
    position: u64,
    damage: Option<Damage>,
    unreadable: u64,
    /// The program's own values, by key.
    values: Vec<(String, Vec<u8>)>,
    /// What was written of what rates allow, by key.
    rates: BTreeMap<String, StoredRate>,
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
        Self(Kind::Store(Arc::new(Shared {
            dir,
            desk: Desk::default(),
            opened: Mutex::default(),
        })))
    }

    /// One whose store is simulated.
    #[cfg(test)]
    pub fn scripted(calls: Calls) -> Self {
        Self(Kind::Scripted(calls))
    }

    /// Opens the store, if it is not open yet.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: nothing can be kept then.
    pub fn open(&self) -> Result<(), StoreError> {
        let Some(shared) = self.shared() else {
            return Ok(());
        };
        let mut opened = shared.opened.lock();
        if opened.is_some() {
            return Ok(());
        }
        let (mut store, mut recovered) = Store::open(&shared.dir)?;
        let mut past = Past::begin(&mut store, &mut recovered.names)?;
        if recovered.damage.is_some() || recovered.unreadable > 0 {
            past.doubt();
        }
        let values = store.list(VALUES)?;
        let rates = StoredRate::read_all(&mut store, Timestamp::now())?;
        let left = Left::read(&store)?;
        let epochs = recovered.names.values().map(|state| state.epoch);
        let highest = epochs.max().unwrap_or_default().max(past.epoch);
        let scribe = Scribe::new(store, past.epoch, highest);
        let desk = shared.desk.clone();
        thread::Builder::new()
            .name("everwire-keeper".into())
            .spawn(move || scribe.work(&desk))
            .map_err(|error| StoreError::from_io(shared.dir.clone(), error))?;
        *opened = Some(Opened {
            names: recovered.names,
            left,
            past,
            position: recovered.position,
            damage: recovered.damage,
            unreadable: recovered.unreadable,
            values,
            rates,
        });
        Ok(())
    }

    /// Whether the store is open.
    pub fn is_open(&self) -> bool {
        self.shared()
            .is_some_and(|shared| shared.opened.lock().is_some())
    }

    /// What the store held of a name, with its next epoch; it is handed out once.
    pub fn recall(&self, name: &ConnectionName) -> Recalled {
        let first = || Recalled {
            state: NameState {
                epoch: 1,
                ..NameState::default()
            },
            ids: None,
            keys: Vec::new(),
            known: None,
        };
        let Some(shared) = self.shared() else {
            return first();
        };
        let mut opened = shared.opened.lock();
        let Some(opened) = &mut *opened else {
            return first();
        };
        let new = || NameState {
            epoch: opened.past.epoch,
            ..NameState::default()
        };
        Recalled {
            state: opened.names.remove(name).unwrap_or_else(new),
            ids: opened.left.ids.remove(name),
            keys: opened.left.keys.remove(name).unwrap_or_default(),
            known: opened.past.known.remove(name),
        }
    }

    /// Up to where messages are lost with the names that they belonged to, if the last process has left word of it.
    pub fn forgotten(&self) -> Option<Cursor> {
        self.shared()?.opened.lock().as_ref()?.past.forgotten
    }

    /// The last place in the histories of names that are stored, and that nobody has opened: what they hold is read by no one.
    pub fn last_unopened(&self, pattern: &Pattern) -> Cursor {
        let opened = self.shared().map(|shared| shared.opened.lock());
        let last = opened.and_then(|opened| {
            let names = opened.as_ref()?.names.iter();
            let selected = names.filter(|(name, _)| pattern.matches(name));
            selected
                .filter_map(|(_, state)| Some(state.history.last()?.position))
                .max()
        });
        last.map(Cursor).unwrap_or_default()
    }

    /// The values that earlier processes have kept; they are handed out once.
    pub fn take_values(&self) -> Vec<(String, Vec<u8>)> {
        let opened = self.shared().map(|shared| shared.opened.lock());
        opened
            .and_then(|mut opened| Some(std::mem::take(&mut opened.as_mut()?.values)))
            .unwrap_or_default()
    }

    /// What earlier processes have written of what a rate allows; it is handed out once.
    pub fn recall_rate(&self, key: &str) -> Option<StoredRate> {
        self.shared()?.opened.lock().as_mut()?.rates.remove(key)
    }

    /// The greatest position of an event in the store.
    pub fn position(&self) -> u64 {
        let opened = self.shared().map(|shared| shared.opened.lock());
        opened
            .and_then(|opened| Some(opened.as_ref()?.position))
            .unwrap_or_default()
    }

    /// What was wrong with the store when it was opened, in words.
    pub fn damage(&self) -> Option<String> {
        let opened = self.shared()?.opened.lock();
        let opened = opened.as_ref()?;
        match &opened.damage {
            Some(damage) => Some(format!(
                "the store was damaged ({}); {} messages were saved{}, and the damaged files are in {}",
                damage.reason,
                damage.saved,
                if damage.complete {
                    ""
                } else {
                    ", others are missing"
                },
                damage.moved_to.display()
            )),
            None if opened.unreadable > 0 => Some(format!(
                "{} rows of the store cannot be understood, and are left alone",
                opened.unreadable
            )),
            None => None,
        }
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

    /// Something is to be written down that no name is asked for. Without a store it is not.
    pub fn order(&self, order: Order) {
        if let Some(shared) = self.shared().filter(|_| self.is_open()) {
            shared.desk.order(order);
        }
    }

    /// Waits until all that was ordered so far, and what names have called for, is written down. `false`: it cannot be.
    pub async fn written(&self) -> bool {
        let Some(shared) = self.shared().filter(|_| self.is_open()) else {
            return true;
        };
        shared.desk.written().await.is_ok()
    }

    /// Waits until all is written down, leaves to the next process what is known, and closes the store.
    pub async fn finish(&self, known: Option<Known>) {
        let Some(shared) = self.shared().filter(|_| self.is_open()) else {
            return;
        };
        if let Some(known) = known {
            shared.desk.order(Order::Known(known));
        }
        // A thread that has ended has finished, one way or another.
        let _ended = shared.desk.stop().await;
    }

    fn shared(&self) -> Option<&Arc<Shared>> {
        match &self.0 {
            Kind::Store(shared) => Some(shared),
            #[cfg(test)]
            Kind::Scripted(_) => None,
        }
    }
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
