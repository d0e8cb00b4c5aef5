//! Trims histories that exceed their bound, or when all names together use much memory.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::registry::{Inside, Manager};
use crate::{
    connection::SharedOutbox,
    memory::{GRAIN, MemoryBudget, MemoryUse, fair_share},
};

/// How often the memory is checked while it may run short.
const PERIOD: Duration = Duration::from_millis(100);

/// How often it is checked while much is free, so that an idle process sleeps. The level is set as
/// often.
const RARELY: Duration = Duration::from_secs(1);

/// Trims the histories for as long as the manager lives.
pub(super) fn keep(manager: &Manager) {
    let inside = Arc::downgrade(&manager.0);
    // The arbiters were started a moment ago.
    let _running = manager.0.arbiters.get(0).spawn(watch(inside));
}

async fn watch(inside: Weak<Inside>) {
    let (mut period, mut since_level) = (RARELY, Duration::ZERO);
    loop {
        tokio::time::sleep(period).await;
        let Some(inside) = inside.upgrade() else {
            return;
        };
        let memory = Arc::clone(&inside.process.memory);
        since_level += period;
        let is_level_due = since_level >= RARELY;
        if is_level_due {
            since_level = Duration::ZERO;
        }
        let excess = memory.excess(MemoryUse::Histories);
        let sets_level = is_level_due && needs_level(&memory);
        if excess > 0 || sets_level {
            let (own, gates) = (Arc::clone(&memory), gates(&inside));
            drop(inside);
            // On a thread of its own: among busy names a walk that yields would be late, and a walk
            // that does not yield would delay them.
            let walk = tokio::task::spawn_blocking(move || {
                if excess > 0 {
                    free(&own, &gates, excess);
                }
                if sets_level {
                    set_level(&own, &gates);
                }
            });
            // Fails when the arbiter ends; this task then ends, too.
            let _ended = walk.await;
        }
        let is_near = !memory.has_room(MemoryUse::Histories, memory.limit() / 8);
        period = if is_near { PERIOD } else { RARELY };
    }
}

/// The outboxes of all names; their histories are in them.
fn gates(inside: &Inside) -> Vec<Arc<SharedOutbox>> {
    let names = inside.names.read();
    let entries = names.entries.values();
    entries.map(|entry| Arc::clone(&entry.outbox)).collect()
}

/// Whether histories exceed their bound, or are limited by a level.
fn needs_level(memory: &MemoryBudget) -> bool {
    let usage = memory.usage();
    memory.history_level() < usize::MAX || usage.histories > usage.histories_limit
}

/// Sets how much each history may hold so that all of them keep to their bound. An active name
/// trims its own history with its next message; idle ones are trimmed here.
fn set_level(memory: &MemoryBudget, gates: &[Arc<SharedOutbox>]) {
    let wanted = gates.iter().map(|outbox| outbox.history().demand());
    let mut wanted: Vec<_> = wanted.collect();
    let level = match fair_share(&mut wanted, memory.histories_limit()) {
        usize::MAX => usize::MAX,
        // Memory is counted in grains, so part of a grain would exceed the bound.
        share => share - share % GRAIN,
    };
    memory.set_history_level(level);
    if level < usize::MAX {
        trim(gates, level);
    }
}

/// Frees `excess` bytes for other uses. The longest histories are trimmed first.
fn free(memory: &MemoryBudget, gates: &[Arc<SharedOutbox>], excess: usize) {
    let usage = memory.usage();
    if usage.histories == 0 {
        return;
    }
    let held = gates.iter().map(|outbox| outbox.history().footprint());
    let mut held: Vec<_> = held.collect();
    // Frees a little more than needed, so that the next trim is not due at once.
    let wanted = usage.histories.saturating_sub(excess + usage.limit / 32);
    trim(gates, fair_share(&mut held, wanted));
}

/// Trims the histories that hold more than `bytes`.
fn trim(gates: &[Arc<SharedOutbox>], bytes: usize) {
    gates.iter().for_each(|outbox| outbox.history().trim(bytes));
}
