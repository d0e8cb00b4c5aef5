//! The interface of names that have something to store.

use std::sync::Arc;

use everwire_proto::dialogue::KeptChange;

use crate::{
    core::{Changes, ConnectionName, Cursor, IdEpochs, KeyChanges},
    hub::UnstoredHistory,
    settings::Fsync,
    stored::StoreError,
};

/// The changes of a name's outbox for one commit.
#[derive(Debug, Default)]
pub(crate) struct NameChanges {
    pub outbox: Changes,
    /// The changes of its idempotency keys.
    pub keys: KeyChanges,
    /// The epochs of its ids, if the store does not have them yet.
    pub ids: Option<IdEpochs>,
}

/// A name that has something to store.
pub(crate) trait PersistSource: Send + Sync {
    /// The name.
    fn name(&self) -> &ConnectionName;

    /// Takes the changes of the outbox. The next change calls again.
    fn take_changes(&self) -> NameChanges;

    /// Takes the changes, and also everything that was stored before and is still to be stored.
    fn take_all(&self) -> NameChanges;

    /// Takes the changes of stored captures. They are committed with the history that is taken
    /// next, or later.
    fn take_kept(&self) -> Vec<KeptChange>;

    /// Takes the changes, and also everything that was stored before.
    fn take_all_kept(&self) -> Vec<KeptChange>;

    /// Takes the part of the history that is not stored yet.
    fn take_unstored_history(&self) -> UnstoredHistory;

    /// When durable messages of this name are safe.
    fn fsync(&self) -> Fsync;

    /// Whether received messages are acknowledged once they are stored.
    fn acknowledges(&self) -> bool;

    /// Messages up to this id are stored and may be sent. The history is stored up to this place.
    fn stored(self: Arc<Self>, id: u64, history: Option<Cursor>);

    /// The store cannot write.
    fn store_failed(self: Arc<Self>, error: &StoreError);
}
