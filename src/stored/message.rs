//! Outgoing and received messages as they are stored.

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
    /// When it expires; it must not be sent after that.
    pub expires_at: Option<Timestamp>,
    /// The message to send.
    pub message: Message,
}

/// A received message, as the history keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Its position over all names. It is unique in the store.
    pub position: u64,
    /// The life of the name in which it was received.
    pub epoch: u32,
    /// Its number among the events of that life.
    pub seq: u64,
    /// When it was received.
    pub at: Timestamp,
    /// The key of the subscription that it was routed to, if any.
    pub subscription: Option<Arc<str>>,
    /// The received message.
    pub message: Message,
}
