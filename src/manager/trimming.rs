//! Has histories give way where they exceed their bound, or all names together use much memory.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::registry::{Inside, Manager};
use crate::{
    connection::SharedOutbox,
    memory::{GRAIN, MemoryUse, fair_share},
};

/// How often it is looked whether they have to, where memory may be short soon.
const PERIOD: Duration = Duration::from_millis(100);

/// And where much is free: a process that keeps little sleeps. As often the level is set.
const RARELY: Duration = Duration::from_secs(1);

/// So many histories are trimmed before the names of the arbiter have their turn.
const AT_A_TIME: usize = 32;

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
        let memory = &inside.process.memory;
        let excess = memory.excess(MemoryUse::Histories);
        if excess > 0 {
            free(&inside, excess).await;
        }
        since_level += period;
        if since_level >= RARELY {
            since_level = Duration::ZERO;
            set_level(&inside).await;
        }
        let is_near = !memory.has_room(MemoryUse::Histories, memory.limit() / 8);
        period = if is_near { PERIOD } else { RARELY };
    }
}

/// Says how much each history may hold so that all of them keep to their bound. Who speaks trims its own with its next message, silent
/// ones are trimmed here.
async fn set_level(inside: &Inside) {
    let memory = &inside.process.memory;
    let (usage, before) = (memory.usage(), memory.history_level());
    if before == usize::MAX && usage.histories <= usage.histories_limit {
        return;
    }
    let gates = gates(inside);
    let mut wanted = Vec::with_capacity(gates.len());
    for some in gates.chunks(AT_A_TIME) {
        wanted.extend(some.iter().map(|outbox| outbox.history().demand()));
        tokio::task::yield_now().await;
    }
    let level = match fair_share(&mut wanted, usage.histories_limit) {
        usize::MAX => usize::MAX,
        // What they hold is counted in grains: a part of one more would be over it.
        share => share - share % GRAIN,
    };
    memory.set_history_level(level);
    trim(&gates, level).await;
}

/// Frees so many bytes for other uses. The longest histories go first: all that is left is as even as it was asked for.
async fn free(inside: &Inside, excess: usize) {
    let usage = inside.process.memory.usage();
    if usage.histories == 0 {
        return;
    }
    let gates = gates(inside);
    let held = gates.iter().map(|outbox| outbox.history().footprint());
    let mut held: Vec<_> = held.collect();
    // A little more than what is needed, so that it is not needed again at once.
    let wanted = usage.histories.saturating_sub(excess + usage.limit / 32);
    trim(&gates, fair_share(&mut held, wanted)).await;
}

/// Trims those that hold more than so many bytes.
async fn trim(gates: &[Arc<SharedOutbox>], bytes: usize) {
    for some in gates.chunks(AT_A_TIME) {
        some.iter().for_each(|outbox| outbox.history().trim(bytes));
        tokio::task::yield_now().await;
    }
}

/// Of all names: what they keep.
fn gates(inside: &Inside) -> Vec<Arc<SharedOutbox>> {
    let names = inside.names.read();
    let entries = names.entries.values();
    entries.map(|entry| Arc::clone(&entry.outbox)).collect()
}
