//! What the keeper asks of a name, and tells it.

use std::sync::{Arc, atomic::Ordering};

use super::{Gate, Inside};
use crate::{
    config::{Fsync, HistorySettings},
    core::{ConnectionName, Fate},
    persistence::{Door, NameChanges},
    stored::{StoreError, StoredEvent},
};

impl Door for Gate {
    fn name(&self) -> &ConnectionName {
        &self.name
    }

    fn take_changes(&self) -> NameChanges {
        self.history_waits.store(false, Ordering::Release);
        self.inside.lock().take_changes()
    }

    fn take_all(&self) -> NameChanges {
        let mut inside = self.inside.lock();
        inside.outbox.store_was_lost();
        inside.stored_epoch = 0;
        inside.take_changes()
    }

    fn take_unstored_history(&self) -> (Vec<StoredEvent>, Option<HistorySettings>) {
        self.history.take_unstored()
    }

    fn fsync(&self) -> Fsync {
        self.inside.lock().outbox.settings().fsync
    }

    fn stored(self: Arc<Self>, id: u64) {
        self.with_and_ring(|inside| inside.outbox.stored(id));
    }

    /// The actor tells it, once until the store can write again.
    fn store_failed(self: Arc<Self>, error: &StoreError) {
        self.with_and_ring(|inside| {
            if inside.outbox.store_failed() {
                inside.store_error = Some(error.to_string().into());
            }
        });
    }
}

impl Inside {
    fn take_changes(&mut self) -> NameChanges {
        self.keeper_called = false;
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
