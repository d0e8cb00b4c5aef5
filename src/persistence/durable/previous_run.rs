//! What one process records for the next: the epochs that it gave out, and how complete its
//! histories are.

use std::collections::BTreeMap;

use crate::{
    core::{ConnectionName, Cursor},
    persistence::Known,
    store::{Batch, Store, Sync},
    stored::{NameState, StoreError},
};

/// The kinds of these values in the store. They are decimal numbers, so that an operator can read
/// them.
const RUN: &str = "run";
const KNOWN: &str = "history_known_behind";

const EPOCH: &str = "epoch";
const FORGOTTEN: &str = "forgotten";

/// What a process knows about earlier processes.
#[derive(Debug, Default)]
pub(super) struct PreviousRun {
    /// The epoch of names without stored state.
    pub epoch: u32,
    /// Up to this place, messages were deleted with their names. `None` if the last process was
    /// killed, so that nobody knows.
    pub forgotten: Option<Cursor>,
    /// The place behind which the history of a name is complete.
    pub known: BTreeMap<ConnectionName, Cursor>,
}

impl PreviousRun {
    /// Begins a new process: all names get their next epoch. The record of the last process is used
    /// once.
    ///
    /// The result is on disk when this returns. So no epoch is given out twice, and after a process
    /// was killed, the old record is not used again. No epoch is below `least`.
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

    /// Some stored data is lost: no history counts as complete.
    pub fn doubt(&mut self) {
        self.forgotten = None;
        self.known.clear();
    }
}

impl Known {
    /// Records it for the next process.
    pub fn leave(&self, batch: &mut Batch) {
        let text = |place: Cursor| place.0.to_string();
        batch.put(RUN, FORGOTTEN, text(self.forgotten).as_bytes());
        for (name, place) in &self.histories {
            batch.put(KNOWN, name.as_str(), text(*place).as_bytes());
        }
    }
}

/// Records that names without stored state may have epochs up to this one. The next process begins
/// behind it.
pub(super) fn note_given(batch: &mut Batch, epoch: u32) {
    batch.put(RUN, EPOCH, epoch.to_string().as_bytes());
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}
