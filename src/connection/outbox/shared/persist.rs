//! What persistence asks of a name, and tells it.

use std::sync::{Arc, atomic::Ordering};

use super::{Locked, SharedOutbox};
use crate::{
    core::{ConnectionName, Fate},
    persistence::{NameChanges, PersistSource},
    settings::{Fsync, HistorySettings},
    stored::{StoreError, StoredEvent},
};

impl PersistSource for SharedOutbox {
    fn name(&self) -> &ConnectionName {
        &self.name
    }

    fn take_changes(&self) -> NameChanges {
        self.history_waits.store(false, Ordering::Release);
        self.locked.lock().take_changes()
    }

    fn take_all(&self) -> NameChanges {
        let mut locked = self.locked.lock();
        locked.outbox.store_was_lost();
        locked.stored_epoch = 0;
        locked.take_changes()
    }

    fn take_unstored_history(&self) -> (Vec<StoredEvent>, Option<HistorySettings>) {
        self.history.take_unstored()
    }

    fn fsync(&self) -> Fsync {
        self.locked.lock().outbox.settings().fsync
    }

    fn stored(self: Arc<Self>, id: u64) {
        self.with_and_wake(|locked| locked.outbox.stored(id));
    }

    /// The actor tells it, once until the store can write again.
    fn store_failed(self: Arc<Self>, error: &StoreError) {
        self.with_and_wake(|locked| {
            if locked.outbox.store_failed() {
                locked.store_error = Some(error.to_string().into());
            }
        });
    }
}

impl Locked {
    fn take_changes(&mut self) -> NameChanges {
        self.persistence_called = false;
        let (outbox, keys) = (self.outbox.changes(), self.keys.as_deref_mut());
        let put = outbox.put.iter().map(|queued| queued.id);
        let fate = |id| self.outbox.fate(id).unwrap_or(Fate::Forgotten);
        let keys = keys.map(|keys| keys.changes(put, &outbox.gone, fate));
        let epoch = self.ids.current();
        let is_news = !outbox.put.is_empty() && self.stored_epoch != epoch;
        self.stored_epoch = if is_news { epoch } else { self.stored_epoch };
        NameChanges {
            outbox,
            keys: keys.unwrap_or_default(),
            ids: is_news.then(|| self.ids.clone()),
        }
    }
}
