//! What was handed out counts against the bound until it is let go of.

use std::sync::Arc;

use super::{json::JsonMemory, listener::Listener, queue::Amount};

/// Held by a batch, by its clones, and by what reads it.
#[derive(Debug)]
pub(super) struct Lease {
    listener: Arc<Listener>,
    amount: Amount,
}

impl Lease {
    /// So much was handed to whoever reads for `listener`.
    pub fn new(listener: &Arc<Listener>, amount: Amount) -> Arc<Self> {
        Arc::new(Self {
            listener: Arc::clone(listener),
            amount,
        })
    }

    /// Where the JSON of what was handed out counts.
    pub fn json_memory(&self) -> Option<&Arc<JsonMemory>> {
        self.listener.json_memory()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.listener.release(self.amount);
    }
}
