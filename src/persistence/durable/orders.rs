//! Orders as changes of the store.

use super::{captures, keys, previous_run};
use crate::{persistence::Order, store::Batch, stored::StoredRate};

/// The kind of the program's own values in the store.
pub(super) const VALUES: &str = "value";

/// The changes of the next commit, with the epochs in them.
pub(super) struct Orders {
    pub batch: Batch,
    /// The highest epoch of a name without stored state.
    pub given: u32,
    /// The highest epoch of any name.
    pub highest: u32,
}

impl Orders {
    /// No changes yet. `given` is the highest stored epoch of names without stored state; `highest`
    /// is the highest of all names.
    pub fn new(given: u32, highest: u32) -> Self {
        Self {
            batch: Batch::default(),
            given,
            highest,
        }
    }

    /// Adds the changes of an order.
    pub fn add(&mut self, order: Order) {
        match order {
            Order::Closed(name, closed) => self.batch.set_closed(&name, closed),
            Order::Epoch(name, epoch) => {
                self.highest = self.highest.max(epoch);
                self.batch.set_epoch(&name, epoch);
            }
            Order::Given(epoch) if epoch > self.given => self.give(epoch),
            Order::Given(_) => {}
            Order::Forget(name) => {
                self.batch.forget(&name);
                keys::forget(&mut self.batch, &name);
                captures::forget(&mut self.batch, &name);
            }
            Order::Value(key, Some(value)) => self.batch.put(VALUES, &key, &value),
            Order::Value(key, None) => self.batch.delete(VALUES, &key),
            Order::Known(known) => known.leave(&mut self.batch),
            Order::Rate(key, rate) => StoredRate::put(rate.as_ref(), &key, &mut self.batch),
        }
    }

    /// Records that names without stored state have epochs up to this one.
    pub fn give(&mut self, epoch: u32) {
        self.given = epoch;
        self.highest = self.highest.max(epoch);
        previous_run::note_given(&mut self.batch, epoch);
    }
}
