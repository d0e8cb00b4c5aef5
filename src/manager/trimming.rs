//! Has histories give way where they exceed their bound, or all names together use much memory.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::registry::{Inside, Manager};
use crate::{
    connection::SharedOutbox,
    memory::{GRAIN, MemoryBudget, MemoryUse, fair_share},
};

/// How often it is looked whether they have to, where memory may be short soon.
const PERIOD: Duration = Duration::from_millis(100);

/// And where much is free: a process that keeps little sleeps. As often the level is set.
const RARELY: Duration = Duration::from_secs(1);

/// Looks after the histories for as long as the manager lives.
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
            // On a thread of its own: where names have much to do, a walk that waits for its turn among them would be late, and one that
            // does not would make them wait.
            let walk = tokio::task::spawn_blocking(move || {
                if excess > 0 {
                    free(&own, &gates, excess);
                }
                if sets_level {
                    set_level(&own, &gates);
                }
            });
            // It fails when the arbiter ends, and this with it.
            let _ended = walk.await;
        }
        let is_near = !memory.has_room(MemoryUse::Histories, memory.limit() / 8);
        period = if is_near { PERIOD } else { RARELY };
    }
}

/// Of all names: what they keep.
fn gates(inside: &Inside) -> Vec<Arc<SharedOutbox>> {
    let names = inside.names.read();
    let entries = names.entries.values();
    entries.map(|entry| Arc::clone(&entry.outbox)).collect()
}

/// Whether histories exceed their bound, or were held to it.
fn needs_level(memory: &MemoryBudget) -> bool {
    let usage = memory.usage();
    memory.history_level() < usize::MAX || usage.histories > usage.histories_limit
}

/// Says how much each history may hold so that all of them keep to their bound. Who speaks trims its own with its next message, silent
/// ones are trimmed here.
fn set_level(memory: &MemoryBudget, gates: &[Arc<SharedOutbox>]) {
    let wanted = gates.iter().map(|outbox| outbox.history().demand());
    let mut wanted: Vec<_> = wanted.collect();
    let level = match fair_share(&mut wanted, memory.histories_limit()) {
        usize::MAX => usize::MAX,
        // What they hold is counted in grains: a part of one more would be over it.
        share => share - share % GRAIN,
    };
    memory.set_history_level(level);
    if level < usize::MAX {
        trim(gates, level);
    }
}

/// Frees so many bytes for other uses. The longest histories go first: all that is left is as even as it was asked for.
fn free(memory: &MemoryBudget, gates: &[Arc<SharedOutbox>], excess: usize) {
    let usage = memory.usage();
    if usage.histories == 0 {
        return;
    }
    let held = gates.iter().map(|outbox| outbox.history().footprint());
    let mut held: Vec<_> = held.collect();
    // A little more than what is needed, so that it is not needed again at once.
    let wanted = usage.histories.saturating_sub(excess + usage.limit / 32);
    trim(gates, fair_share(&mut held, wanted));
}

/// Trims those that hold more than so many bytes.
fn trim(gates: &[Arc<SharedOutbox>], bytes: usize) {
    gates.iter().for_each(|outbox| outbox.history().trim(bytes));
}
