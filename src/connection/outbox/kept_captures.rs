//! Captures of a name that outlive the process, as they are stored.

use std::collections::{BTreeMap, BTreeSet};

use everwire_proto::dialogue::{KeptChange, KeptValue};

/// The kept captures, and which of them have changed since they were stored.
#[derive(Debug, Default)]
pub(super) struct KeptCaptures {
    values: BTreeMap<String, KeptValue>,
    unstored: BTreeSet<String>,
}

impl KeptCaptures {
    /// Restores the captures of an earlier process.
    pub fn restore(&mut self, captures: Vec<(String, KeptValue)>) {
        self.values.extend(captures);
    }

    /// Drops captures that are no longer kept. `true` if there were any.
    pub fn retain(&mut self, is_kept: impl Fn(&str) -> bool) -> bool {
        let gone = self.values.extract_if(.., |name, _| !is_kept(name));
        let gone: Vec<String> = gone.map(|(name, _)| name).collect();
        let is_any = !gone.is_empty();
        self.unstored.extend(gone);
        is_any
    }

    /// All values.
    pub fn all(&self) -> Vec<(String, KeptValue)> {
        let values = self.values.iter();
        values
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Sets a capture, or removes it.
    pub fn apply(&mut self, (name, value): KeptChange) {
        match value {
            Some(value) => {
                self.values.insert(name.clone(), value);
            }
            None => {
                self.values.remove(&name);
            }
        }
        self.unstored.insert(name);
    }

    /// Takes the changes that are not stored yet.
    pub fn take(&mut self) -> Vec<KeptChange> {
        let unstored = std::mem::take(&mut self.unstored);
        let change = |name: String| {
            let value = self.values.get(&name).cloned();
            (name, value)
        };
        unstored.into_iter().map(change).collect()
    }

    /// Takes everything, for a store that has lost its data.
    pub fn take_all(&mut self) -> Vec<KeptChange> {
        self.unstored.extend(self.values.keys().cloned());
        self.take()
    }
}
