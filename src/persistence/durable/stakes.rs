//! The sources that have data in the store.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::persistence::PersistSource;

/// With fewer sources than this, dropped ones are not removed.
const FEW: usize = 64;

/// The sources that have called and still exist.
#[derive(Default)]
pub(super) struct Stakes {
    /// By their addresses, which are unique while the weak references exist.
    sources: HashMap<usize, Weak<dyn PersistSource>>,
    prune_at: usize,
}

impl Stakes {
    /// Records a source that has called.
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

    /// The sources that still exist.
    pub fn sources(&self) -> Vec<Arc<dyn PersistSource>> {
        self.sources.values().filter_map(Weak::upgrade).collect()
    }
}
