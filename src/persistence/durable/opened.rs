//! What the store held when it was opened, until its users ask for it.

use std::{collections::BTreeMap, path::Path};

use jiff::Timestamp;

use super::{
    captures::{self, Captures},
    keys::Left,
    orders::VALUES,
    previous_run::PreviousRun,
};
use crate::{
    core::{ConnectionName, Cursor, Pattern},
    persistence::Recalled,
    store::{Damage, Store},
    stored::{NameState, StoreError, StoredRate},
};

/// What the store held.
pub(super) struct Opened {
    /// The names that were not recalled yet.
    pub names: BTreeMap<ConnectionName, NameState>,
    /// The keys and ids of those names.
    left: Left,
    captures: Captures,
    pub previous: PreviousRun,
    /// The greatest position of an event.
    pub position: u64,
    damage: Option<Damage>,
    unreadable: u64,
    /// The program's own values, by key.
    pub values: Vec<(String, Vec<u8>)>,
    /// The stored states of rate limits, by key.
    pub rates: BTreeMap<String, StoredRate>,
    /// The highest epoch of any name.
    pub highest_epoch: u32,
}

impl Opened {
    /// Opens the store in `dir`, and begins a new process in it. No name gets an epoch below
    /// `least`.
    pub fn read(dir: &Path, least: u32) -> Result<(Store, Self), StoreError> {
        let (mut store, mut recovered) = Store::open(dir)?;
        let mut previous = PreviousRun::begin(&mut store, &mut recovered.names, least)?;
        if recovered.damage.is_some() || recovered.unreadable > 0 {
            previous.doubt();
        }
        let values = store.list(VALUES)?;
        let rates = StoredRate::read_all(&mut store, Timestamp::now())?;
        let left = Left::read(&store)?;
        let captures = captures::read(&store)?;
        let epochs = recovered.names.values().map(|state| state.epoch);
        let highest_epoch = epochs.max().unwrap_or_default().max(previous.epoch);
        let opened = Self {
            names: recovered.names,
            left,
            captures,
            previous,
            position: recovered.position,
            damage: recovered.damage,
            unreadable: recovered.unreadable,
            values,
            rates,
            highest_epoch,
        };
        Ok((store, opened))
    }

    /// The stored state of a name, with its next epoch. It is returned once.
    pub fn recall(&mut self, name: &ConnectionName) -> Recalled {
        let new = || NameState {
            epoch: self.previous.epoch,
            ..NameState::default()
        };
        Recalled {
            state: self.names.remove(name).unwrap_or_else(new),
            ids: self.left.ids.remove(name),
            keys: self.left.keys.remove(name).unwrap_or_default(),
            captures: self.captures.remove(name).unwrap_or_default(),
            known: self.previous.known.remove(name),
        }
    }

    /// Forgets a removed name, so that its stored state is not returned.
    pub fn forget(&mut self, name: &ConnectionName) {
        let _removed = self.recall(name);
    }

    /// The last place in the histories of the selected names that were not recalled yet.
    pub fn last_unopened(&self, pattern: &Pattern) -> Option<Cursor> {
        let selected = self.names.iter().filter(|(name, _)| pattern.matches(name));
        let last = selected.filter_map(|(_, state)| Some(state.history.last()?.position));
        last.max().map(Cursor)
    }

    /// What was wrong with the store, as text.
    pub fn damage(&self) -> Option<String> {
        match &self.damage {
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
            None if self.unreadable > 0 => Some(format!(
                "{} rows of the store cannot be understood, and are left alone",
                self.unreadable
            )),
            None => None,
        }
    }
}
