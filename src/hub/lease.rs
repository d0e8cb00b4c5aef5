//! What was handed out counts against the bound until it is let go of.

use std::{fmt, sync::Arc};

use super::{amount::Amount, json::JsonMemory};

/// Who has handed something out.
pub(super) trait Lender: fmt::Debug + Send + Sync {
    /// So much was let go of.
    fn release(self: Arc<Self>, amount: Amount);
    /// Where the JSON of what was handed out counts.
    fn json_memory(&self) -> Option<&Arc<JsonMemory>>;
}

/// Held by a batch, by its clones, and by what reads it.
#[derive(Debug)]
pub(super) struct Lease {
    lender: Arc<dyn Lender>,
    amount: Amount,
}

impl Lease {
    /// So much was handed out.
    pub fn new(lender: Arc<dyn Lender>, amount: Amount) -> Arc<Self> {
        Arc::new(Self { lender, amount })
    }

    /// Where the JSON of what was handed out counts.
    pub fn json_memory(&self) -> Option<&Arc<JsonMemory>> {
        self.lender.json_memory()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        Arc::clone(&self.lender).release(self.amount);
    }
}
