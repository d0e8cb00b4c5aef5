//! Who has something to lose with the store.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::persistence::Door;

/// With fewer doors than this it is not looked which of them are gone.
const FEW: usize = 64;

/// The doors that have called, as long as their names are there.
#[derive(Default)]
pub(super) struct Stakes {
    /// By their addresses, which nobody else has as long as they are here.
    doors: HashMap<usize, Weak<dyn Door>>,
    prune_at: usize,
}

impl Stakes {
    /// A door has called.
    pub fn note(&mut self, door: &Arc<dyn Door>) {
        let address = Arc::as_ptr(door).addr();
        self.doors
            .entry(address)
            .or_insert_with(|| Arc::downgrade(door));
        if self.doors.len() > self.prune_at.max(FEW) {
            self.doors.retain(|_, door| door.strong_count() > 0);
            self.prune_at = 2 * self.doors.len();
        }
    }

    /// Those that are there.
    pub fn doors(&self) -> Vec<Arc<dyn Door>> {
        self.doors.values().filter_map(Weak::upgrade).collect()
    }
}
