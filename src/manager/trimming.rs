//! Has histories give way where all names together use much memory.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use super::registry::{Inside, Manager};
use crate::memory::{MemoryUse, fair_share};

/// How often it is looked whether they have to, where that may be soon.
const PERIOD: Duration = Duration::from_millis(100);

/// And where much is free: a process that keeps little sleeps.
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
    let mut period = RARELY;
    loop {
        tokio::time::sleep(period).await;
        let Some(inside) = inside.upgrade() else {
            return;
        };
        let memory = &inside.process.memory;
        let excess = memory.excess(MemoryUse::Histories);
        if excess > 0 {
            trim(&inside, excess).await;
        }
        let is_near = !memory.has_room(MemoryUse::Histories, memory.limit() / 8);
        period = if is_near { PERIOD } else { RARELY };
    }
}

/// The longest histories go first: all that is left is as even as it was asked for.
async fn trim(inside: &Inside, excess: usize) {
    let usage = inside.process.memory.usage();
    if usage.histories == 0 {
        return;
    }
    let gates: Vec<_> = {
        let names = inside.names.read();
        let entries = names.entries.values();
        entries.map(|entry| entry.outbox.clone()).collect()
    };
    let mut held: Vec<_> = gates
        .iter()
        .map(|outbox| outbox.history().footprint())
        .collect();
    // A little more than what is needed, so that it is not needed again at once.
    let wanted = usage.histories.saturating_sub(excess + usage.limit / 32);
    let share = fair_share(&mut held, wanted);
    for some in gates.chunks(AT_A_TIME) {
        for outbox in some {
            if outbox.history().footprint() > share {
                outbox.history().trim(share);
            }
        }
        tokio::task::yield_now().await;
    }
}
