//! Which names have series of their own.

use std::collections::HashSet;

use everwire::ConnectionName;
use parking_lot::RwLock;

/// The names that have series of their own: as many as there may be, who comes first. They keep them until they are removed, so that
/// no series jumps from name to name.
pub struct Names {
    max: usize,
    admitted: RwLock<HashSet<ConnectionName>>,
}

impl Names {
    pub fn new(max: usize) -> Self {
        Self {
            max,
            admitted: RwLock::default(),
        }
    }

    /// Whether the name has series of its own.
    pub fn admit(&self, name: &ConnectionName) -> bool {
        if self.admitted.read().contains(name) {
            return true;
        }
        let mut admitted = self.admitted.write();
        if admitted.len() >= self.max && !admitted.contains(name) {
            return false;
        }
        admitted.insert(name.clone());
        true
    }

    /// The name is gone; whether it had series.
    pub fn forget(&self, name: &ConnectionName) -> bool {
        self.admitted.write().remove(name)
    }

    /// Forgets the names that are gone without having been told of.
    pub fn keep(&self, is_there: impl Fn(&ConnectionName) -> bool) {
        self.admitted.write().retain(is_there);
    }
}
