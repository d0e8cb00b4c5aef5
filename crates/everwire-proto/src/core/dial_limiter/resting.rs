//! Resting queues: only the records of their hosts are left.

use slab::Slab;

use super::{host_queue::HostQueue, linked_queue::LinkedQueue};
use crate::core::Share;

/// The most hosts without dials whose records are kept.
pub(super) const MAX_RESTING: usize = 4096;

/// Resting queues, the longest first.
#[derive(Debug, Default)]
pub(super) struct Rest {
    line: LinkedQueue,
    count: usize,
}

/// Separate for what has no limit and for all tenants, so that neither pushes out the other.
#[derive(Debug, Default)]
pub(super) struct Resting {
    pub unlimited: Rest,
    pub tenants: Rest,
}

impl Resting {
    pub fn of(&mut self, share: Share) -> &mut Rest {
        match share {
            Share::All => &mut self.unlimited,
            Share::Tenant | Share::Removed => &mut self.tenants,
        }
    }
}

impl Rest {
    pub fn join(&mut self, host_queues: &mut Slab<HostQueue>, at: usize) {
        self.line.join(host_queues, at);
        self.count += 1;
    }

    pub fn leave(&mut self, host_queues: &mut Slab<HostQueue>, at: usize) {
        self.line.leave(host_queues, at);
        self.count -= 1;
    }

    /// The queue without news for longest, if there are too many.
    pub fn surplus(&self) -> Option<usize> {
        self.line.first().filter(|_| self.count > MAX_RESTING)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.count
    }
}
