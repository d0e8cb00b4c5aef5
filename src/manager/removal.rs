//! Removing a name.

use std::{collections::btree_map, sync::Arc};

use tokio::{sync::oneshot, time::timeout};

use super::{recall::needs_store, registry::Manager, respawn::WRITTEN};
use crate::{
    connection::{ConnectionGone, Remove, SharedOutbox},
    core::ConnectionName,
    persistence::Order,
};

impl Manager {
    /// Closes a name and forgets it: flushes its outbox, closes the socket, and publishes
    /// `removed`.
    ///
    /// The name is free when this returns. Old handles report it as closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::{Rejected, SendError};
    ///
    /// manager.remove("feed").await?;
    /// assert!(manager.find("feed").is_none());
    /// // A handle from before.
    /// assert!(matches!(feed.send("hello"), Err(SendError::Rejected(Rejected::Closed))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionGone`] when there is no such name.
    pub async fn remove(&self, name: impl AsRef<str>) -> Result<(), ConnectionGone> {
        let (name, outbox, addr, arbiter) = {
            let mut names = self.0.names.write();
            let name = names.entries.get_key_value(name.as_ref());
            let name = name.ok_or(ConnectionGone::UNKNOWN)?.0.clone();
            let entry = names
                .entries
                .get_mut(&name)
                .ok_or(ConnectionGone::UNKNOWN)?;
            entry.leaves = true;
            let outbox = Arc::clone(&entry.outbox);
            (name, outbox, entry.addr.clone(), entry.arbiter)
        };
        let (done, removed) = oneshot::channel();
        let (forgotten, answer) = oneshot::channel();
        let manager = self.clone();
        // On the arbiter, so that the removal completes even if the caller stops waiting.
        self.0.arbiters.get(arbiter).spawn(async move {
            if addr.send(Remove(done)).await.is_ok() {
                // An actor that dies meanwhile is gone, too.
                let _died = removed.await;
            }
            manager.retire(&name, &outbox).await;
            // The caller may have stopped waiting.
            let _unheard = forgotten.send(());
        });
        answer.await.map_err(|_| ConnectionGone::UNKNOWN)
    }

    /// Frees a name whose actor is gone. `outbox` identifies its life: another removal may have
    /// been first, and the name may have been opened again.
    pub(super) async fn retire(&self, name: &ConnectionName, outbox: &Arc<SharedOutbox>) {
        let known = {
            let names = self.0.names.read();
            let entry = names.entries.get(name);
            entry
                .filter(|entry| Arc::ptr_eq(&entry.outbox, outbox))
                .map(|entry| (entry.epoch, entry.is_placed))
        };
        let Some((epoch, is_placed)) = known else {
            return;
        };
        let persistence = &self.0.process.persistence;
        // The epoch of a placed name says nothing about other names: these have other tokens.
        if !is_placed {
            persistence.order(Order::Given(epoch.saturating_add(1)));
        }
        // A later opening uses and reports the next epoch at once, so this epoch must be on disk. A
        // disk that does not answer delays it only for so long.
        let _late = timeout(WRITTEN, persistence.written()).await;
        let names = &mut *self.0.names.write();
        if let btree_map::Entry::Occupied(entry) = names.entries.entry(name.clone())
            && Arc::ptr_eq(&entry.get().outbox, outbox)
        {
            let entry = entry.remove();
            names.epochs.gone(name.clone(), epoch);
            // What the store has for a name that was held was never read: the next life reads it.
            if outbox.is_left() && needs_store(&entry.settings.common) && !outbox.is_held() {
                names.abandoned.insert(name.clone(), Arc::clone(outbox));
            }
            self.0.process.hub.forget(outbox.history());
        }
    }
}
