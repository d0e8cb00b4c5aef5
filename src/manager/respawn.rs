//! The second line behind the supervisor: an actor that died is started anew, within a budget, with the next epoch.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{Inside, Manager};
use crate::{core::ConnectionName, keeper::Order};

/// As many deaths within [`WINDOW`] are answered by a new actor.
const RESPAWNS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);

/// When a name's actor was respawned, as far as that matters.
#[derive(Debug, Default)]
pub(super) struct Budget(VecDeque<Instant>);

impl Budget {
    /// Takes one respawn, if there is one left.
    fn take(&mut self, now: Instant) -> bool {
        while self
            .0
            .front()
            .is_some_and(|&past| now.saturating_duration_since(past) >= WINDOW)
        {
            self.0.pop_front();
        }
        if self.0.len() >= RESPAWNS {
            return false;
        }
        self.0.push_back(now);
        true
    }
}

/// Respawns the actors whose deaths `dead` tells, for as long as the manager lives.
pub(super) fn watch(manager: &Manager, mut dead: mpsc::UnboundedReceiver<(ConnectionName, u32)>) {
    let inside = Arc::downgrade(&manager.0);
    let arbiter = manager.0.arbiters.get(0);
    // The arbiters were started a moment ago.
    let _running = arbiter.spawn(async move {
        while let Some((name, epoch)) = dead.recv().await {
            let Some(inside) = inside.upgrade() else {
                return;
            };
            respawn(&inside, &name, epoch);
        }
    });
}

fn respawn(inside: &Arc<Inside>, name: &ConnectionName, epoch: u32) {
    let mut names = inside.names.write();
    if names.closed {
        return;
    }
    let Some(entry) = names
        .entries
        .get_mut(name)
        .filter(|entry| entry.epoch == epoch)
    else {
        return;
    };
    if !entry.respawns.take(Instant::now()) {
        // What dies again and again is left dead, and says so to whoever sends.
        entry.gate.with(|inside| {
            inside.outbox.set_open(false);
            inside.outbox.lost();
            inside.outbox.cancel();
        });
        return;
    }
    entry.epoch += 1;
    let order = Order::Epoch(name.clone(), entry.epoch);
    inside.commons.keeper.order(order);
    entry.addr = Manager(Arc::clone(inside)).start_actor(
        name,
        &entry.settings,
        &entry.gate,
        entry.arbiter,
        entry.epoch,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_spent_and_comes_back_with_time() {
        let (mut budget, now) = (Budget::default(), Instant::now());
        assert!((0..RESPAWNS).all(|_| budget.take(now)));
        assert!(!budget.take(now + WINDOW / 2));
        assert!(budget.take(now + WINDOW));
    }
}
