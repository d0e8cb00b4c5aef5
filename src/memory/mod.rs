//! One bound over all that a process keeps for its names: histories, outboxes, unfinished messages, readers and bodies.
//!
//! Each use has a ceiling of its own, so that what can be told again gives way first and what was accepted never does: histories let go
//! of their oldest from half of the bound on, readers are told that they lag from three quarters on, new messages and bodies are
//! refused from nine tenths on. The rest is for messages that have begun to arrive, and for operators.
//!
//! A thread that carries names holds a lease: it takes 128 KiB ahead and gives back what exceeds 256 KiB, so that a message costs no
//! access that other threads wait for.

mod charge;
mod lease;
mod limit;
mod share;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc,
    atomic::{AtomicIsize, AtomicUsize, Ordering},
};

use parking_lot::Mutex;

pub use self::charge::Charge;
pub(crate) use self::{lease::Lease, limit::default_limit, share::fair_share};

/// What memory is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryUse {
    /// What names said last, for those who come back.
    Histories,
    /// What waits to be sent, and what is remembered of it.
    Outboxes,
    /// Messages of which a part has arrived.
    Reassembly,
    /// Events that wait for those who read them.
    Readers,
    /// Bodies of requests, until what they bring is accepted.
    Bodies,
    /// The same of requests that must go on when others are refused.
    OperatorBodies,
}

impl MemoryUse {
    const COUNT: usize = 6;

    /// How much of a limit may be used in all when more is taken for this.
    fn ceiling(self, limit: usize) -> usize {
        match self {
            Self::Histories => limit / 2,
            Self::Readers => limit - limit / 4,
            Self::Outboxes | Self::Bodies => limit - limit / 10,
            // Small events find room behind all else: an operator must see what happens.
            Self::Reassembly | Self::OperatorBodies => limit - limit / 64,
        }
    }
}

/// There is no memory left for what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the memory that all connections may use is used up")]
pub struct OutOfMemory;

/// How much memory is used, and for what, in bytes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use everwire::{Manager, Settings};
///
/// let manager = Manager::spawn(Settings::default())?;
/// let usage = manager.memory_usage();
/// assert!(usage.used() < usage.limit);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUsage {
    /// The bound over all: `service.memory`.
    pub limit: usize,
    /// What names said last.
    pub histories: usize,
    /// What waits to be sent, and what is remembered of it.
    pub outboxes: usize,
    /// Messages of which a part has arrived.
    pub reassembly: usize,
    /// Events that wait for those who read them.
    pub readers: usize,
    /// Bodies of requests, until what they bring is accepted.
    pub bodies: usize,
}

impl MemoryUsage {
    /// The sum of all uses.
    pub fn used(&self) -> usize {
        self.histories + self.outboxes + self.reassembly + self.readers + self.bodies
    }
}

/// The bound, and what is taken of it.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    limit: AtomicUsize,
    /// All that is used or leased.
    taken: AtomicUsize,
    /// What threads without a lease have taken and given back.
    uses: Counts,
    /// The same of each lease.
    leases: Mutex<Vec<Arc<Counts>>>,
}

/// What was taken for each use, less what was given back: below zero where others have taken it.
#[derive(Debug, Default)]
struct Counts([AtomicIsize; MemoryUse::COUNT]);

impl MemoryBudget {
    /// A budget of so many bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(limit),
            taken: AtomicUsize::new(0),
            uses: Counts::default(),
            leases: Mutex::default(),
        })
    }

    /// One that nothing can use up.
    #[cfg(test)]
    pub fn unlimited() -> Arc<Self> {
        Self::new(usize::MAX)
    }

    /// From now on so many bytes. What exceeds them stays until it is given back.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// The bound, in bytes.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Whether so much more may be taken for this use.
    pub fn has_room(&self, of: MemoryUse, bytes: usize) -> bool {
        let ceiling = of.ceiling(self.limit());
        self.taken.load(Ordering::Relaxed).saturating_add(bytes) <= ceiling
    }

    /// By how much all that is taken exceeds the ceiling of this use.
    pub fn excess(&self, of: MemoryUse) -> usize {
        let ceiling = of.ceiling(self.limit());
        self.taken.load(Ordering::Relaxed).saturating_sub(ceiling)
    }

    /// What is used, and for what.
    pub fn usage(&self) -> MemoryUsage {
        let mut sums = [0_isize; MemoryUse::COUNT];
        let leases = self.leases.lock();
        for counts in leases.iter().map(|counts| &**counts).chain([&self.uses]) {
            for (sum, count) in sums.iter_mut().zip(&counts.0) {
                *sum = sum.saturating_add(count.load(Ordering::Relaxed));
            }
        }
        drop(leases);
        // What moves between threads while it is read may be seen on one side only.
        let of = |of: MemoryUse| usize::try_from(sums[of as usize]).unwrap_or_default();
        MemoryUsage {
            limit: self.limit(),
            histories: of(MemoryUse::Histories),
            outboxes: of(MemoryUse::Outboxes),
            reassembly: of(MemoryUse::Reassembly),
            readers: of(MemoryUse::Readers),
            bodies: of(MemoryUse::Bodies) + of(MemoryUse::OperatorBodies),
        }
    }

    /// Takes so much if it is there.
    fn try_take(self: &Arc<Self>, of: MemoryUse, bytes: usize) -> bool {
        let ceiling = of.ceiling(self.limit());
        lease::try_take(self, of, bytes, ceiling).unwrap_or_else(|| {
            let there = self.reserve(bytes, bytes, ceiling);
            if there {
                self.uses.add_shared(of, bytes.cast_signed());
            }
            there
        })
    }

    /// Takes `more` at once if `needed` of it is below the ceiling: of two threads that ask for the same rest one gets it.
    fn reserve(&self, more: usize, needed: usize, ceiling: usize) -> bool {
        let before = self.taken.fetch_add(more, Ordering::Relaxed);
        let there = before.saturating_add(needed) <= ceiling;
        if !there {
            self.taken.fetch_sub(more, Ordering::Relaxed);
        }
        there
    }

    fn take(self: &Arc<Self>, of: MemoryUse, bytes: usize) {
        if !lease::take(self, of, bytes) {
            self.uses.add_shared(of, bytes.cast_signed());
            self.taken.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn give_back(self: &Arc<Self>, of: MemoryUse, bytes: usize) {
        if !lease::give_back(self, of, bytes) {
            self.uses.add_shared(of, -bytes.cast_signed());
            self.taken.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Counts {
    /// By any thread.
    fn add_shared(&self, of: MemoryUse, bytes: isize) {
        self.0[of as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// By the one thread that changes them.
    fn add_own(&self, of: MemoryUse, bytes: isize) {
        let count = &self.0[of as usize];
        let sum = count.load(Ordering::Relaxed).wrapping_add(bytes);
        count.store(sum, Ordering::Relaxed);
    }
}
