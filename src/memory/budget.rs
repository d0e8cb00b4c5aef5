//! The bound over all that is kept, and what is taken of it.

use std::sync::{
    Arc,
    atomic::{AtomicIsize, AtomicUsize, Ordering},
};

use parking_lot::Mutex;

use super::usage::{MemoryUsage, MemoryUse};

/// The bound, and what is taken of it.
#[derive(Debug)]
pub(crate) struct MemoryBudget {
    bounds: Bounds,
    /// All that is used or leased.
    pub(super) taken: AtomicUsize,
    /// What threads without a lease have taken and given back.
    uses: Counts,
    /// The same of each lease.
    pub(super) leases: Mutex<Vec<Arc<Counts>>>,
}

/// What is read all the time, and seldom written: apart from what each thread writes, so that reading it waits for nobody.
#[derive(Debug)]
#[repr(align(128))]
struct Bounds {
    limit: AtomicUsize,
    /// Of all histories.
    histories: AtomicUsize,
    /// Of each history: what all of them want does not exceed their bound where none has more.
    history_level: AtomicUsize,
}

/// What was taken for each use, less what was given back: below zero where others have taken it.
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicIsize; MemoryUse::COUNT]);

impl MemoryBudget {
    /// A budget of so many bytes.
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

    /// One that nothing can use up.
    #[cfg(test)]
    pub fn unlimited() -> Arc<Self> {
        Self::new(usize::MAX)
    }

    /// From now on so many bytes. What exceeds them stays until it is given back.
    pub fn set_limit(&self, limit: usize) {
        self.bounds.limit.store(limit, Ordering::Relaxed);
    }

    /// The bound, in bytes.
    pub fn limit(&self) -> usize {
        self.bounds.limit.load(Ordering::Relaxed)
    }

    /// From now on so many bytes for all histories. What exceeds them goes when the level is set again.
    pub fn set_histories_limit(&self, limit: usize) {
        self.bounds.histories.store(limit, Ordering::Relaxed);
    }

    /// The bound over all histories, in bytes: no more than what they may have of all.
    pub fn histories_limit(&self) -> usize {
        let own = self.bounds.histories.load(Ordering::Relaxed);
        own.min(MemoryUse::Histories.ceiling(self.limit()))
    }

    /// From now on so many bytes for each history; `usize::MAX` where all have what they want.
    pub fn set_history_level(&self, level: usize) {
        self.bounds.history_level.store(level, Ordering::Relaxed);
    }

    /// What each history may hold, in bytes.
    #[inline]
    pub fn history_level(&self) -> usize {
        self.bounds.history_level.load(Ordering::Relaxed)
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
            histories_limit: self.histories_limit(),
            histories: of(MemoryUse::Histories),
            outboxes: of(MemoryUse::Outboxes),
            reassembly: of(MemoryUse::Reassembly),
            readers: of(MemoryUse::Readers),
            bodies: of(MemoryUse::Bodies) + of(MemoryUse::OperatorBodies),
        }
    }

    /// Takes so much if it is there, without a lease.
    pub(super) fn try_take_shared(&self, of: MemoryUse, bytes: usize, ceiling: usize) -> bool {
        let there = self.reserve(bytes, bytes, ceiling);
        if there {
            self.uses.add_shared(of, bytes.cast_signed());
        }
        there
    }

    /// Takes `more` at once if `needed` of it is below the ceiling: of two threads that ask for the same rest one gets it.
    pub(super) fn reserve(&self, more: usize, needed: usize, ceiling: usize) -> bool {
        let before = self.taken.fetch_add(more, Ordering::Relaxed);
        let there = before.saturating_add(needed) <= ceiling;
        if !there {
            self.taken.fetch_sub(more, Ordering::Relaxed);
        }
        there
    }

    /// Takes so much without a lease, whatever the ceiling says.
    pub(super) fn take_shared(&self, of: MemoryUse, bytes: usize) {
        self.uses.add_shared(of, bytes.cast_signed());
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives so much back without a lease.
    pub(super) fn give_back_shared(&self, of: MemoryUse, bytes: usize) {
        self.uses.add_shared(of, -bytes.cast_signed());
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Counts {
    /// By any thread.
    fn add_shared(&self, of: MemoryUse, bytes: isize) {
        self.0[of as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// By the one thread that changes them.
    pub(super) fn add_own(&self, of: MemoryUse, bytes: isize) {
        let count = &self.0[of as usize];
        let sum = count.load(Ordering::Relaxed).wrapping_add(bytes);
        count.store(sum, Ordering::Relaxed);
    }
}
