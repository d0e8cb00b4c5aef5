//! Writes down what must outlive the process.

use std::sync::Arc;

use crate::connection::Gate;

/// The one writer of the store. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeper(#[cfg(test)] Option<crate::connection::Calls>);

impl Keeper {
    /// A name has something to write down.
    pub fn call(&self, gate: &Arc<Gate>) {
        #[cfg(test)]
        if let Some(calls) = &self.0 {
            return calls.call(gate);
        }
        let _ = gate;
    }

    /// One whose store is simulated.
    #[cfg(test)]
    pub fn scripted(calls: crate::connection::Calls) -> Self {
        Self(Some(calls))
    }
}
