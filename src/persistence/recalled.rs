//! The stored state of a name, from earlier processes.

use std::time::{Duration, Instant};

use everwire_proto::dialogue::KeptValue;
use jiff::Timestamp;

use crate::{
    core::{Cursor, IdEpochs, Keyed, Queued},
    stored::{NameState, StoredMessage},
};

/// What is known about a name when it is opened.
pub(crate) struct Recalled {
    /// The state in the store.
    pub state: NameState,
    /// The epochs of the ids that its outbox gave out.
    pub ids: Option<IdEpochs>,
    /// The idempotency keys of its messages.
    pub keys: Vec<Keyed>,
    /// The values of its captures.
    pub captures: Vec<(String, KeptValue)>,
    /// The place behind which its history is complete. `None` if nobody knows.
    pub known: Option<Cursor>,
}

/// Converts a message of an earlier process.
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
