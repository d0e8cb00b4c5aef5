//! The stored state of a name.

use super::{StoredEvent, StoredMessage};

/// The stored state of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NameState {
    /// Its last life; 0 if none was stored.
    pub epoch: u32,
    /// Whether it was closed by hand.
    pub closed_by_hand: bool,
    /// The greatest id that was ever stored, even if that message is gone: no id is given twice.
    pub last_id: u64,
    /// The messages that wait to be sent, by id.
    pub outbox: Vec<StoredMessage>,
    /// The received messages, by position.
    pub history: Vec<StoredEvent>,
}
