//! Lines of which nothing is left but what is known of their hosts.

use slab::Slab;

use super::{host_queue::HostQueue, linked_queue::LinkedQueue};
use crate::core::Share;

/// What is known is kept of at most so many hosts without dials.
pub(super) const MAX_RESTING: usize = 4096;

/// Lines of which nothing is left but what is known of their hosts, the longest first.
#[derive(Debug, Default)]
pub(super) struct Rest {
    line: LinkedQueue,
    count: usize,
}

/// What has no limit, and all tenants: neither makes the other's forgotten.
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

    /// The one of which nothing was heard for longest, if they are too many.
    pub fn surplus(&self) -> Option<usize> {
        self.line.first().filter(|_| self.count > MAX_RESTING)
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.count
    }
}
