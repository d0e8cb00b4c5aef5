//! The memory budget of the process, and its use.

use std::sync::{
    Arc,
    atomic::{AtomicIsize, AtomicUsize, Ordering},
};

use parking_lot::Mutex;

use super::usage::{MemoryUsage, MemoryUse};

/// The budget, and how much of it is taken.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    bounds: Bounds,
    /// All that is used or leased.
    pub(super) taken: AtomicUsize,
    /// What threads without a lease have taken, less what they gave back.
    uses: Counts,
    /// The same for each lease.
    pub(super) leases: Mutex<Vec<Arc<Counts>>>,
}

/// Values that are read often and written seldom, apart from the ones that each thread writes, so
/// that reads do not contend.
#[derive(Debug)]
#[repr(align(128))]
struct Bounds {
    limit: AtomicUsize,
    /// The limit of all histories.
    histories: AtomicUsize,
    /// The limit of each history, chosen so that all of them keep to their bound.
    history_level: AtomicUsize,
}

/// What was taken for each use, less what was given back. Negative if another thread has taken it.
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicIsize; MemoryUse::COUNT]);

impl MemoryBudget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            bounds: Bounds {
                limit: AtomicUsize::new(limit),
                histories: AtomicUsize::new(usize::MAX),
                history_level: AtomicUsize::new(usize::MAX),
            },
            taken: AtomicUsize::new(0),
            uses: Counts::default(),
            leases: Mutex::default(),
        })
    }

    /// A budget that nothing can use up.
    #[cfg(test)]
    pub fn unlimited() -> Arc<Self> {
        Self::new(usize::MAX)
    }

    /// Sets the limit in bytes. Excess stays until it is given back.
    pub fn set_limit(&self, limit: usize) {
        self.bounds.limit.store(limit, Ordering::Relaxed);
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> usize {
        self.bounds.limit.load(Ordering::Relaxed)
    }

    /// Sets the limit of all histories in bytes. Excess is dropped when the level is set again.
    pub fn set_histories_limit(&self, limit: usize) {
        self.bounds.histories.store(limit, Ordering::Relaxed);
    }

    /// The limit of all histories, in bytes: at most their ceiling of the budget.
    pub fn histories_limit(&self) -> usize {
        let own = self.bounds.histories.load(Ordering::Relaxed);
        own.min(MemoryUse::Histories.ceiling(self.limit()))
    }

    /// Sets the limit of each history in bytes; `usize::MAX` for none.
    pub fn set_history_level(&self, level: usize) {
        self.bounds.history_level.store(level, Ordering::Relaxed);
    }

    /// The limit of each history, in bytes.
    #[inline]
    pub fn history_level(&self) -> usize {
        self.bounds.history_level.load(Ordering::Relaxed)
    }

    /// Whether `bytes` more may be taken for this use.
    pub fn has_room(&self, of: MemoryUse, bytes: usize) -> bool {
        let ceiling = of.ceiling(self.limit());
        self.taken.load(Ordering::Relaxed).saturating_add(bytes) <= ceiling
    }

    /// By how much everything that is taken exceeds the ceiling of this use.
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
        // Memory that moves between threads during the read may be seen on one side only.
        let of = |of: MemoryUse| usize::try_from(sums[of as usize]).unwrap_or_default();
        MemoryUsage {
            limit: self.limit(),
            histories_limit: self.histories_limit(),
            histories: of(MemoryUse::Histories),
            outboxes: of(MemoryUse::Outboxes),
            reassembly: of(MemoryUse::Reassembly),
            readers: of(MemoryUse::Readers),
            bodies: of(MemoryUse::Bodies) + of(MemoryUse::OperatorBodies),
        }
    }

    /// Takes `bytes` if there is room, without a lease.
    pub(super) fn try_take_shared(&self, of: MemoryUse, bytes: usize, ceiling: usize) -> bool {
        let there = self.reserve(bytes, bytes, ceiling);
        if there {
            self.uses.add_shared(of, bytes.cast_signed());
        }
        there
    }

    /// Takes `more` at once if `needed` of it is below the ceiling. Of two threads that ask for the
    /// same rest, only one gets it.
    pub(super) fn reserve(&self, more: usize, needed: usize, ceiling: usize) -> bool {
        let before = self.taken.fetch_add(more, Ordering::Relaxed);
        let there = before.saturating_add(needed) <= ceiling;
        if !there {
            self.taken.fetch_sub(more, Ordering::Relaxed);
        }
        there
    }

    /// Takes `bytes` without a lease, whatever the ceiling is.
    pub(super) fn take_shared(&self, of: MemoryUse, bytes: usize) {
        self.uses.add_shared(of, bytes.cast_signed());
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives `bytes` back without a lease.
    pub(super) fn give_back_shared(&self, of: MemoryUse, bytes: usize) {
        self.uses.add_shared(of, -bytes.cast_signed());
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Counts {
    /// Callable from any thread.
    fn add_shared(&self, of: MemoryUse, bytes: isize) {
        self.0[of as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Only for the one thread that changes these counts.
    pub(super) fn add_own(&self, of: MemoryUse, bytes: isize) {
        let count = &self.0[of as usize];
        let sum = count.load(Ordering::Relaxed).wrapping_add(bytes);
        count.store(sum, Ordering::Relaxed);
    }
}
