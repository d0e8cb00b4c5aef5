//! A store that does not exist, in a build without the feature `durable`: it keeps nothing, and remembers nothing.

use std::{fmt, path::PathBuf, sync::Arc};

use tokio::sync::watch;

use super::{Known, Order, Outage, PersistSource, Recalled};
use crate::{
    chance,
    core::{ConnectionName, Cursor, Pattern},
    stored::{NameState, StoreError, StoredRate},
};

/// Epochs begin below this, so that each name has room for the lives to come.
const EPOCHS: u32 = 1 << 30;

/// Positions begin here, or as far beyond as chance will have it.
const POSITIONS: u64 = 1 << 60;

/// Is told what is to outlive the process, and keeps nothing of it.
///
/// Nobody knows which cursors and epochs earlier processes have given out, nor whether the clock was set back since. They begin at random, so
/// that none of an earlier process is ever taken for one of this: a reader that comes with one is told that it lagged.
#[derive(Clone)]
pub(crate) struct Persistence {
    /// The first epoch of each name.
    epoch: u32,
    /// Where events begin to be counted.
    position: u64,
    /// Where sources go that have something to write down: nowhere, unless a simulation takes them.
    takes: Arc<dyn Fn(Arc<dyn PersistSource>) + Send + Sync>,
}

impl Persistence {
    /// It does without a directory.
    pub fn new(_dir: PathBuf) -> Self {
        Self {
            epoch: chance::next_u32() % EPOCHS + 1,
            position: POSITIONS + chance::next_u64() % POSITIONS,
            takes: Arc::new(drop),
        }
    }

    /// One whose sources go to `takes`, and whose names begin at epoch 1.
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

    /// Nothing: whoever needs a store was refused before, by the manager.
    pub fn open(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// There is no store that could be out of order.
    pub fn outage(&self) -> Option<Outage> {
        None
    }

    /// See [`outage`](Self::outage).
    pub fn watch_outage(&self) -> Option<watch::Receiver<Option<Outage>>> {
        None
    }

    /// Of each name nothing is known: it begins its first life.
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

    /// Nothing is known of any name.
    pub fn look_up(&self, _name: &ConnectionName) -> Option<(u32, bool)> {
        None
    }

    /// Nothing is held.
    pub fn holds_messages_of(&self, _name: &ConnectionName) -> bool {
        false
    }

    /// Nobody has left word of it.
    pub fn forgotten(&self) -> Option<Cursor> {
        None
    }

    /// There is no name that is stored.
    pub fn last_unopened(&self, _pattern: &Pattern) -> Cursor {
        Cursor::default()
    }

    /// Nothing was kept.
    pub fn take_values(&self) -> Vec<(String, Vec<u8>)> {
        Vec::new()
    }

    /// Nothing was kept.
    pub fn recall_rate(&self, _key: &str) -> Option<StoredRate> {
        None
    }

    /// Where this process begins to count events.
    pub fn first_position(&self) -> u64 {
        self.position
    }

    /// There is no event in any store.
    pub fn position(&self) -> u64 {
        0
    }

    /// What does not exist is not damaged.
    pub fn damage(&self) -> Option<String> {
        None
    }

    /// A name has something to write down. It is not asked for it.
    pub fn call(&self, source: Arc<dyn PersistSource>) {
        (self.takes)(source);
    }

    /// What is ordered is not written down.
    pub fn order(&self, order: Order) {
        drop(order);
    }

    /// At once: there is nothing to wait for.
    pub async fn written(&self) -> bool {
        true
    }

    /// At once: nothing is left to the next process.
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
