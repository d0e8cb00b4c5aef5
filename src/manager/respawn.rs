//! The second line behind the supervisor: a dead actor is started again, within a budget, with the
//! next epoch.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::mpsc, time::timeout};

use super::registry::{Inside, Manager};
use crate::{core::ConnectionName, persistence::Order};

/// How long a respawn waits for the disk.
pub(super) const WRITTEN: Duration = Duration::from_secs(1);

/// Respawns the actors whose deaths come from `dead`, for as long as the manager lives.
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
    // An epoch must be on disk before it is reported, so that no later process gives it again. A
    // disk that does not answer delays a respawn only for so long.
    let _late = timeout(WRITTEN, persistence.written()).await;
    let mut names = inside.names.write();
    if names.closed {
        return;
    }
    // The name may have been removed meanwhile, and opened again.
    let entry = names.entries.get_mut(name);
    if let Some(entry) = entry.filter(|entry| entry.epoch == epoch && !entry.leaves) {
        let manager = Manager(Arc::clone(inside));
        let (settings, outbox) = (&entry.settings, &entry.outbox);
        entry.addr = manager.start_actor(name, settings, outbox, entry.arbiter, epoch);
    }
}

/// The next epoch of the name whose actor of epoch `died` is dead; `None` if it is not started
/// again.
fn next_epoch(inside: &Inside, name: &ConnectionName, died: u32) -> Option<u32> {
    let mut names = inside.names.write();
    if names.closed {
        return None;
    }
    let entry = names.entries.get_mut(name);
    let entry = entry.filter(|entry| entry.epoch == died && !entry.leaves)?;
    if entry.epoch >= entry.last_epoch || !entry.respawns.take(Instant::now()) {
        // An actor that keeps dying stays dead, and senders get an error. So does one whose next
        // epoch would belong to another token.
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
