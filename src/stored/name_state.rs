//! What the store has of a name.

use super::{StoredEvent, StoredMessage};

/// What is known of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NameState {
    /// Its last life; 0 if none was stored.
    pub epoch: u32,
    /// Whether it was closed by hand.
    pub closed_by_hand: bool,
    /// The greatest id that was ever stored. Also where that message is gone: ids are not given twice.
    pub last_id: u64,
    /// What waits to be sent, by id.
    pub outbox: Vec<StoredMessage>,
    /// What came in, by position.
    pub history: Vec<StoredEvent>,
}
