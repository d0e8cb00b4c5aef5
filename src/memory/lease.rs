//! Memory that a thread takes from the budget in advance.

use std::{
    cell::RefCell,
    sync::{Arc, Weak, atomic::Ordering},
};

use super::{
    budget::{Counts, MemoryBudget},
    usage::MemoryUse,
};

/// The most bytes that a thread holds in advance.
const MOST: usize = 256 << 10;
/// How much it takes when it has run out, and how much it keeps when it gives back.
const QUANTUM: usize = MOST / 2;

thread_local! {
    static LEASE: RefCell<Option<Lease>> = const { RefCell::new(None) };
}

/// One thread's lease on one budget. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Weak, since a thread may outlive the manager. While this exists the address cannot be
    /// reused.
    budget: Weak<MemoryBudget>,
    counts: Arc<Counts>,
    ahead: usize,
}

impl Lease {
    /// Gives this thread a lease, for as long as the thread lives.
    pub fn begin_here(budget: &Arc<MemoryBudget>) {
        let counts = Arc::<Counts>::default();
        budget.leases.lock().push(Arc::clone(&counts));
        let lease = Self {
            budget: Arc::downgrade(budget),
            counts,
            ahead: 0,
        };
        LEASE.with(|own| *own.borrow_mut() = Some(lease));
    }

    fn is_of(&self, budget: &Arc<MemoryBudget>) -> bool {
        std::ptr::eq(self.budget.as_ptr(), Arc::as_ptr(budget))
    }
}

/// Takes `bytes` if there is room, from this thread's lease if it has one on this budget.
pub(super) fn try_take(budget: &Arc<MemoryBudget>, of: MemoryUse, bytes: usize) -> bool {
    let ceiling = of.ceiling(budget.limit());
    try_take_leased(budget, of, bytes, ceiling)
        .unwrap_or_else(|| budget.try_take_shared(of, bytes, ceiling))
}

/// Takes `bytes`, whatever the ceiling is.
pub(super) fn take(budget: &Arc<MemoryBudget>, of: MemoryUse, bytes: usize) {
    if !take_leased(budget, of, bytes) {
        budget.take_shared(of, bytes);
    }
}

/// Gives `bytes` back.
pub(super) fn give_back(budget: &Arc<MemoryBudget>, of: MemoryUse, bytes: usize) {
    if !give_back_leased(budget, of, bytes) {
        budget.give_back_shared(of, bytes);
    }
}

/// Takes from this thread's lease if that stays below the ceiling; `None` if the thread has no
/// lease on this budget.
fn try_take_leased(
    budget: &Arc<MemoryBudget>,
    of: MemoryUse,
    bytes: usize,
    ceiling: usize,
) -> Option<bool> {
    let mut there = false;
    let has_lease = with_lease(budget, |lease| {
        there = match bytes.checked_sub(lease.ahead) {
            None | Some(0) => budget.taken.load(Ordering::Relaxed) <= ceiling,
            Some(lacking) => {
                let reserved = budget.reserve(lacking + QUANTUM, lacking, ceiling);
                if reserved {
                    lease.ahead += lacking + QUANTUM;
                }
                reserved
            }
        };
        if there {
            lease.counts.add_own(of, bytes.cast_signed());
            lease.ahead -= bytes;
        }
    });
    has_lease.then_some(there)
}

/// Takes from this thread's lease; `false` if it has none on this budget.
fn take_leased(budget: &Arc<MemoryBudget>, of: MemoryUse, bytes: usize) -> bool {
    with_lease(budget, |lease| {
        lease.counts.add_own(of, bytes.cast_signed());
        if lease.ahead < bytes {
            let more = bytes - lease.ahead + QUANTUM;
            budget.taken.fetch_add(more, Ordering::Relaxed);
            lease.ahead += more;
        }
        lease.ahead -= bytes;
    })
}

/// Gives back to this thread's lease; `false` if it has none on this budget.
fn give_back_leased(budget: &Arc<MemoryBudget>, of: MemoryUse, bytes: usize) -> bool {
    with_lease(budget, |lease| {
        lease.counts.add_own(of, -bytes.cast_signed());
        lease.ahead += bytes;
        if lease.ahead > MOST {
            let less = lease.ahead - QUANTUM;
            budget.taken.fetch_sub(less, Ordering::Relaxed);
            lease.ahead -= less;
        }
    })
}

fn with_lease(budget: &Arc<MemoryBudget>, work: impl FnOnce(&mut Lease)) -> bool {
    let done = LEASE.try_with(|own| match own.borrow_mut().as_mut() {
        Some(lease) if lease.is_of(budget) => {
            work(lease);
            true
        }
        _ => false,
    });
    // Memory that is dropped while a thread ends is given back without a lease.
    done.unwrap_or(false)
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(budget) = self.budget.upgrade() {
            budget.taken.fetch_sub(self.ahead, Ordering::Relaxed);
        }
    }
}
