//! The interface between a name and persistence.

use std::sync::{Arc, atomic::Ordering};

use everwire_proto::dialogue::KeptChange;

use super::{Locked, SharedOutbox};
use crate::{
    core::{ConnectionName, Cursor, Fate},
    hub::UnstoredHistory,
    persistence::{NameChanges, PersistSource},
    settings::Fsync,
    stored::StoreError,
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

    fn take_kept(&self) -> Vec<KeptChange> {
        let mut locked = self.locked.lock();
        let kept = locked.kept.as_mut();
        kept.map(|kept| kept.take()).unwrap_or_default()
    }

    fn take_all_kept(&self) -> Vec<KeptChange> {
        let mut locked = self.locked.lock();
        let kept = locked.kept.as_mut();
        kept.map(|kept| kept.take_all()).unwrap_or_default()
    }

    fn take_unstored_history(&self) -> UnstoredHistory {
        self.history.take_unstored()
    }

    fn fsync(&self) -> Fsync {
        self.locked.lock().outbox.settings().fsync
    }

    fn acknowledges(&self) -> bool {
        self.acknowledges.load(Ordering::Relaxed)
    }

    fn stored(self: Arc<Self>, id: u64, history: Option<Cursor>) {
        if let Some(through) = history {
            self.history.safe(through);
        }
        self.with_and_wake(|locked| {
            locked.told_failing = false;
            locked.outbox.stored(id);
        });
    }

    /// Makes the actor report the error, once until the store can write again.
    fn store_failed(self: Arc<Self>, error: &StoreError) {
        let acknowledges = self.acknowledges();
        self.with_and_wake(|locked| {
            let of_outbox = locked.outbox.store_failed();
            // A held name has reported it already.
            let of_others = (acknowledges || locked.kept.is_some()) && !locked.outbox.is_held();
            let was_told = locked.told_failing;
            locked.told_failing |= of_outbox || of_others;
            if of_outbox || (of_others && !was_told) {
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
