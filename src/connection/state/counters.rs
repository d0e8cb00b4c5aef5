//! What a name counts over all its sockets.

use jiff::Timestamp;

use crate::{connection::Traffic, core::Message};

/// The messages of a name.
#[derive(Default)]
pub(in crate::connection) struct Counters {
    /// Those that the kernel has.
    pub sent: Traffic,
    /// Those that came.
    pub received: Traffic,
    /// When the last one came on a socket that served.
    pub last_message_at: Option<Timestamp>,
    /// Messages that have ended in doubt. Those that are sent again are counted by the outbox.
    pub in_doubt: u64,
    /// Accepted messages that were dropped unsent.
    pub dropped: u64,
}

impl Counters {
    /// So many messages with so many bytes are with the kernel.
    pub fn count_sent(&mut self, (messages, bytes): (u64, u64)) {
        self.sent.messages += messages;
        self.sent.bytes += bytes;
    }

    /// A message came.
    pub fn count_received(&mut self, message: &Message) {
        self.received.messages += 1;
        self.received.bytes += message.len() as u64;
    }
}
