//! What was handed out counts against the bound until it is let go of.

use std::sync::Arc;

use super::{listener::Listener, queue::Amount};

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
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.listener.release(self.amount);
    }
}
