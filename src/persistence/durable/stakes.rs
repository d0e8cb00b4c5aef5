//! Who has something to lose with the store.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::persistence::PersistSource;

/// With fewer sources than this it is not looked which of them are gone.
const FEW: usize = 64;

/// The sources that have called, as long as their names are there.
#[derive(Default)]
pub(super) struct Stakes {
    /// By their addresses, which nobody else has as long as they are here.
    sources: HashMap<usize, Weak<dyn PersistSource>>,
    prune_at: usize,
}

impl Stakes {
    /// A source has called.
    pub fn note(&mut self, source: &Arc<dyn PersistSource>) {
        let address = Arc::as_ptr(source).addr();
        self.sources
            .entry(address)
            .or_insert_with(|| Arc::downgrade(source));
        if self.sources.len() > self.prune_at.max(FEW) {
            self.sources.retain(|_, source| source.strong_count() > 0);
            self.prune_at = 2 * self.sources.len();
        }
    }

    /// Those that are there.
    pub fn sources(&self) -> Vec<Arc<dyn PersistSource>> {
        self.sources.values().filter_map(Weak::upgrade).collect()
    }
}
