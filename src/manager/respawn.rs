//! The second line behind the supervisor: an actor that died is started anew, within a budget, with the next epoch.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::timeout};

use super::registry::{Inside, Manager};
use crate::{core::ConnectionName, persistence::Order};

/// A respawn waits no longer for the disk.
pub(super) const WRITTEN: Duration = Duration::from_secs(1);

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
            respawn(&inside, &name, epoch).await;
        }
    });
}

async fn respawn(inside: &Arc<Inside>, name: &ConnectionName, died: u32) {
    let Some(epoch) = next_epoch(inside, name, died) else {
        return;
    };
    let persistence = &inside.process.persistence;
    persistence.order(Order::Epoch(name.clone(), epoch));
    // An epoch that is told is on disk, so that no later process gives it again. A disk that does not answer keeps no name down.
    let _late = timeout(WRITTEN, persistence.written()).await;
    let mut names = inside.names.write();
    if names.closed {
        return;
    }
    // It may have been removed meanwhile, and opened anew.
    let entry = names.entries.get_mut(name);
    if let Some(entry) = entry.filter(|entry| entry.epoch == epoch && !entry.leaves) {
        let manager = Manager(Arc::clone(inside));
        let (settings, outbox) = (&entry.settings, &entry.outbox);
        entry.addr = manager.start_actor(name, settings, outbox, entry.arbiter, epoch);
    }
}

/// The epoch of the name whose actor of epoch `died` is dead, if it is to be started again.
fn next_epoch(inside: &Inside, name: &ConnectionName, died: u32) -> Option<u32> {
    let mut names = inside.names.write();
    if names.closed {
        return None;
    }
    let entry = names.entries.get_mut(name);
    let entry = entry.filter(|entry| entry.epoch == died && !entry.leaves)?;
    if !entry.respawns.take(Instant::now()) {
        // What dies again and again is left dead, and says so to whoever sends.
        entry.outbox.with(|locked| {
            locked.outbox.set_open(false);
            locked.outbox.lost();
            locked.outbox.cancel();
        });
        return None;
    }
    entry.epoch += 1;
    Some(entry.epoch)
}
