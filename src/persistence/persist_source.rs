//! What persistence asks of those who have something to keep.

use std::sync::Arc;

use everwire_proto::dialogue::KeptChange;

use crate::{
    core::{Changes, ConnectionName, Cursor, IdEpochs, KeyChanges},
    hub::UnstoredHistory,
    settings::Fsync,
    stored::StoreError,
};

/// What is to be written down of a name's outbox, in one commit.
#[derive(Debug, Default)]
pub(crate) struct NameChanges {
    pub outbox: Changes,
    /// Of the keys of its messages.
    pub keys: KeyChanges,
    /// The epochs of its ids, where the store does not know them yet.
    pub ids: Option<IdEpochs>,
}

/// A name that has something to write down.
pub(crate) trait PersistSource: Send + Sync {
    /// Whose it is.
    fn name(&self) -> &ConnectionName;

    /// What is to be written down of the outbox. From here on news call again.
    fn take_changes(&self) -> NameChanges;

    /// The same, and all that was written down before and still is to be kept.
    fn take_all(&self) -> NameChanges;

    /// What is to be written down of captures that outlive the process: with the history that is taken behind it, or later.
    fn take_kept(&self) -> Vec<KeptChange>;

    /// The same, and all that was written down before.
    fn take_all_kept(&self) -> Vec<KeptChange>;

    /// What is to be written down of the history.
    fn take_unstored_history(&self) -> UnstoredHistory;

    /// When durable messages of this name are safe.
    fn fsync(&self) -> Fsync;

    /// Whether what came in is acknowledged once it is stored.
    fn acknowledges(&self) -> bool;

    /// The store has all up to this id: it may go out. And it has the history up to this place.
    fn stored(self: Arc<Self>, id: u64, history: Option<Cursor>);

    /// The store cannot write.
    fn store_failed(self: Arc<Self>, error: &StoreError);
}
