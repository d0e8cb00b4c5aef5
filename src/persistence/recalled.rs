//! What earlier processes have left of a name.

use std::time::{Duration, Instant};

use everwire_proto::dialogue::KeptValue;
use jiff::Timestamp;

use crate::{
    core::{Cursor, IdEpochs, Keyed, Queued},
    stored::{NameState, StoredMessage},
};

/// What is known of a name that is opened.
pub(crate) struct Recalled {
    /// What the store held.
    pub state: NameState,
    /// The epochs of the ids that its outbox gave.
    pub ids: Option<IdEpochs>,
    /// The keys of its messages.
    pub keys: Vec<Keyed>,
    /// The values of its captures.
    pub captures: Vec<(String, KeptValue)>,
    /// Behind which place its history has all that came. `None`: nobody knows.
    pub known: Option<Cursor>,
}

/// A message that an earlier process has left.
pub(crate) fn left(stored: StoredMessage, wall: Timestamp, now: Instant) -> Queued {
    Queued {
        id: stored.id,
        message: stored.message,
        expires: stored.expires_at.and_then(|expires| {
            let left = Duration::try_from(expires.duration_since(wall)).unwrap_or_default();
            now.checked_add(left)
        }),
        doubt: true,
    }
}
