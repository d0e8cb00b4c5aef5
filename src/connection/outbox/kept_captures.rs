//! The captures of a name that outlive the process, as they are to be stored.

use std::collections::{BTreeMap, BTreeSet};

use everwire_proto::dialogue::{KeptChange, KeptValue};

/// The captures that are kept, and which of them the store does not have as they are.
#[derive(Debug, Default)]
pub(super) struct KeptCaptures {
    values: BTreeMap<String, KeptValue>,
    unstored: BTreeSet<String>,
}

impl KeptCaptures {
    /// What an earlier process has left.
    pub fn restore(&mut self, captures: Vec<(String, KeptValue)>) {
        self.values.extend(captures);
    }

    /// Lets go of what is not kept any more; whether there was any.
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

    /// A capture has another value, or none any more.
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

    /// What the store does not have yet.
    pub fn take(&mut self) -> Vec<KeptChange> {
        let unstored = std::mem::take(&mut self.unstored);
        let change = |name: String| {
            let value = self.values.get(&name).cloned();
            (name, value)
        };
        unstored.into_iter().map(change).collect()
    }

    /// All of it, for a store that has lost what it had.
    pub fn take_all(&mut self) -> Vec<KeptChange> {
        self.unstored.extend(self.values.keys().cloned());
        self.take()
    }
}
