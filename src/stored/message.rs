//! A message on its way out, and one that came in, as the store has them.

use std::sync::Arc;

use jiff::Timestamp;

use crate::core::Message;

/// A message of an outbox.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    /// Its number among the messages of its name.
    pub id: u64,
    /// When it was accepted.
    pub at: Timestamp,
    /// When it is too late to send it.
    pub expires_at: Option<Timestamp>,
    /// What is to be sent.
    pub message: Message,
}

/// A message that came in, as history keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its position over all names, which it shares with no other event of the store.
    pub position: u64,
    /// The life of the name that it belongs to.
    pub epoch: u32,
    /// Its number among the events of that life.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
    /// The key of the subscription that it was routed to, if it was.
    pub subscription: Option<Arc<str>>,
    /// What came.
    pub message: Message,
}
