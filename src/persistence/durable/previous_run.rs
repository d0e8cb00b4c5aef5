//! What one process leaves to the next about itself: the epochs that it gave out, and what its histories know.

use std::collections::BTreeMap;

use crate::{
    core::{ConnectionName, Cursor},
    persistence::Known,
    store::{Batch, Store, Sync},
    stored::{NameState, StoreError},
};

/// The store's kinds of these values, which are decimal numbers, so that an operator can read them.
const RUN: &str = "run";
const KNOWN: &str = "history_known_behind";

const EPOCH: &str = "epoch";
const FORGOTTEN: &str = "forgotten";

/// What a process knows of those before it.
#[derive(Debug, Default)]
pub(super) struct PreviousRun {
    /// The epoch of names of which nothing is stored.
    pub epoch: u32,
    /// Up to here messages are lost with the names that they belonged to. `None`: the last process was killed, and nobody knows.
    pub forgotten: Option<Cursor>,
    /// Behind which place the history of a name has all that came.
    pub known: BTreeMap<ConnectionName, Cursor>,
}

impl PreviousRun {
    /// Begins another process: all names get their next epoch, and what the last process has left holds for this one only.
    ///
    /// It is on disk when this returns. So no epoch is given twice, and what the histories know is not believed again after a
    /// process that was killed. No epoch is below `least`.
    pub fn begin(
        store: &mut Store,
        names: &mut BTreeMap<ConnectionName, NameState>,
        least: u32,
    ) -> Result<Self, StoreError> {
        let run: BTreeMap<_, _> = store.list(RUN)?.into_iter().collect();
        let number = |key| run.get(key).and_then(|value| number(value));
        let stored = number(EPOCH).and_then(|epoch| u32::try_from(epoch).ok());
        let epoch = stored.unwrap_or_default().saturating_add(1).max(least);
        let mut batch = Batch::default();
        note_given(&mut batch, epoch);
        batch.delete(RUN, FORGOTTEN);
        for (name, state) in names {
            state.epoch = state.epoch.saturating_add(1).max(epoch);
            batch.set_epoch(name, state.epoch);
        }
        let mut known = BTreeMap::new();
        for (key, value) in store.list(KNOWN)? {
            batch.delete(KNOWN, &key);
            if let (Ok(name), Some(place)) = (ConnectionName::new(&key), self::number(&value)) {
                known.insert(name, Cursor(place));
            }
        }
        store.commit(&batch, Sync::Always)?;
        Ok(Self {
            epoch,
            forgotten: number(FORGOTTEN).map(Cursor),
            known,
        })
    }

    /// What was stored is not all there: nothing is known to be complete.
    pub fn doubt(&mut self) {
        self.forgotten = None;
        self.known.clear();
    }
}

impl Known {
    /// Leaves it to the next process.
    pub fn leave(&self, batch: &mut Batch) {
        let text = |place: Cursor| place.0.to_string();
        batch.put(RUN, FORGOTTEN, text(self.forgotten).as_bytes());
        for (name, place) in &self.histories {
            batch.put(KNOWN, name.as_str(), text(*place).as_bytes());
        }
    }
}

/// Notes that names of which nothing is stored may have epochs up to this one: the next process begins behind it.
pub(super) fn note_given(batch: &mut Batch, epoch: u32) {
    batch.put(RUN, EPOCH, epoch.to_string().as_bytes());
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
