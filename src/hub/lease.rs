//! Leases: updates that were handed out count against the bound until they are dropped.

use std::{fmt, sync::Arc};

use super::{amount::Amount, json::JsonMemory};

/// The lender of updates.
pub(super) trait Lender: fmt::Debug + Send + Sync {
    /// This amount was dropped.
    fn release(self: Arc<Self>, amount: Amount);
    /// Where JSON of the lent updates is counted.
    fn json_memory(&self) -> Option<&Arc<JsonMemory>>;
}

/// Held by a batch, its clones and its readers.
#[derive(Debug)]
pub(super) struct Lease {
    lender: Arc<dyn Lender>,
    amount: Amount,
}

impl Lease {
    /// Lends this amount.
    pub fn new(lender: Arc<dyn Lender>, amount: Amount) -> Arc<Self> {
        Arc::new(Self { lender, amount })
    }

    /// Where JSON of the lent updates is counted.
    pub fn json_memory(&self) -> Option<&Arc<JsonMemory>> {
        self.lender.json_memory()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        Arc::clone(&self.lender).release(self.amount);
    }
}
