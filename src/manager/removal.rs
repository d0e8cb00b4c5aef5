//! How a name is removed, and what is remembered of it.

use tokio::{sync::oneshot, time::timeout};

use super::{Gone, Manager, respawn::WRITTEN};
use crate::{connection::Remove, core::ConnectionName, keeper::Order};

impl Manager {
    /// Closes a name and forgets it: flushes its outbox, closes the socket, and tells `removed`.
    ///
    /// Its name is free when this is done. Handles that are still held find it closed.
    ///
    /// # Errors
    ///
    /// [`Gone`] when there is no such name.
    pub async fn remove(&self, name: impl AsRef<str>) -> Result<(), Gone> {
        let (name, addr, arbiter) = {
            let names = self.0.names.read();
            let (name, entry) = names.entries.get_key_value(name.as_ref()).ok_or(Gone)?;
            (name.clone(), entry.addr.clone(), entry.arbiter)
        };
        let (done, removed) = oneshot::channel();
        let (forgotten, answer) = oneshot::channel();
        let manager = self.clone();
        // On the arbiter, so that a caller who stops waiting does not leave half a removal behind.
        self.0.arbiters.get(arbiter).spawn(async move {
            if addr.send(Remove(done)).await.is_ok() {
                // An actor that dies meanwhile is gone all the same.
                let _died = removed.await;
            }
            manager.retire(&name).await;
            // The caller may have stopped waiting.
            let _unheard = forgotten.send(());
        });
        answer.await.map_err(|_| Gone)
    }

    /// Frees a name whose actor is gone.
    async fn retire(&self, name: &ConnectionName) {
        let epoch = {
            let names = self.0.names.read();
            names.entries.get(name).map(|entry| entry.epoch)
        };
        let keeper = &self.0.commons.keeper;
        if let Some(epoch) = epoch {
            keeper.order(Order::Given(epoch.saturating_add(1)));
            // Who opens the name again gets the next epoch, and tells it at once. A disk that does not answer holds up nobody.
            let _late = timeout(WRITTEN, keeper.written()).await;
        }
        let names = &mut *self.0.names.write();
        if let Some(entry) = names.entries.remove(name) {
            names.epochs.gone(name.clone(), entry.epoch);
            self.0.commons.hub.forget(entry.gate.history());
        }
    }
}
