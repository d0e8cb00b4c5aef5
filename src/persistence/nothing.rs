//! The persistence of a build without the feature `durable`: it stores nothing.

use std::{fmt, path::PathBuf, sync::Arc};

use tokio::sync::watch;

use super::{Known, Order, Outage, PersistSource, Recalled};
use crate::{
    chance,
    core::{ConnectionName, Cursor, Pattern},
    stored::{NameState, StoreError, StoredRate},
};

/// The upper limit of the first epoch, so that each name has room for later lives.
const EPOCHS: u32 = 1 << 30;

/// The first position, plus a random number.
const POSITIONS: u64 = 1 << 60;

/// Receives what is to be stored, and drops it.
///
/// Nobody knows which cursors and epochs earlier processes have given out, nor whether the clock
/// was set back since. So both begin at random numbers: a cursor of an earlier process is then
/// never mistaken for one of this process. A reader with such a cursor is told that it lagged.
#[derive(Clone)]
pub(crate) struct Persistence {
    /// The first epoch of each name.
    epoch: u32,
    /// The position of the first event.
    position: u64,
    /// Receives sources that have something to store: nothing, or a simulation.
    takes: Arc<dyn Fn(Arc<dyn PersistSource>) + Send + Sync>,
}

impl Persistence {
    /// Needs no directory.
    pub fn new(_dir: PathBuf) -> Self {
        Self {
            epoch: chance::next_u32() % EPOCHS + 1,
            position: POSITIONS + chance::next_u64() % POSITIONS,
            takes: Arc::new(drop),
        }
    }

    /// Persistence whose sources go to `takes`, and whose names begin at epoch 1.
    #[cfg(test)]
    pub(super) fn with_takes(
        _dir: PathBuf,
        takes: impl Fn(Arc<dyn PersistSource>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            epoch: 1,
            takes: Arc::new(takes),
            ..Self::new(PathBuf::new())
        }
    }

    /// Does nothing: the manager has already refused names that need a store.
    pub fn open(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// `None`: there is no store that could fail.
    pub fn outage(&self) -> Option<Outage> {
        None
    }

    /// See [`outage`](Self::outage).
    pub fn watch_outage(&self) -> Option<watch::Receiver<Option<Outage>>> {
        None
    }

    /// Nothing is known about a name: it begins its first life.
    pub fn recall(&self, _name: &ConnectionName) -> Recalled {
        Recalled {
            state: NameState {
                epoch: self.epoch,
                ..NameState::default()
            },
            ids: None,
            keys: Vec::new(),
            captures: Vec::new(),
            known: None,
        }
    }

    /// Nothing is known about a name.
    pub fn look_up(&self, _name: &ConnectionName) -> Option<(u32, bool)> {
        None
    }

    /// Nothing is stored.
    pub fn holds_messages_of(&self, _name: &ConnectionName) -> bool {
        false
    }

    /// No earlier process has recorded it.
    pub fn forgotten(&self) -> Option<Cursor> {
        None
    }

    /// No name is stored.
    pub fn last_unopened(&self, _pattern: &Pattern) -> Cursor {
        Cursor::default()
    }

    /// Nothing is stored.
    pub fn take_values(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    /// Nothing is stored.
    pub fn recall_rate(&self, _key: &str) -> Option<StoredRate> {
        None
    }

    /// The first position of this process's events.
    pub fn first_position(&self) -> u64 {
        self.position
    }

    /// No event is stored.
    pub fn position(&self) -> u64 {
        0
    }

    /// There is no store that could be damaged.
    pub fn damage(&self) -> Option<String> {
        None
    }

    /// Called by a name that has something to store. The name is not asked for it.
    pub fn call(&self, source: Arc<dyn PersistSource>) {
        (self.takes)(source);
    }

    /// Drops the order.
    pub fn order(&self, order: Order) {
        drop(order);
    }

    /// Returns at once: there is nothing to wait for.
    pub async fn written(&self) -> bool {
        true
    }

    /// Returns at once: nothing is recorded for the next process.
    pub async fn finish(&self, _known: Option<Known>) {}
}

impl fmt::Debug for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Persistence(of nothing)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_processes_share_neither_epochs_nor_positions() {
        let name = ConnectionName::new("feed").unwrap();
        let [one, two] = [(); 2].map(|()| Persistence::new(PathBuf::new()));
        assert_ne!(one.recall(&name).state.epoch, two.recall(&name).state.epoch);
        assert!(one.first_position().abs_diff(two.first_position()) > 1 << 30);
    }
}
