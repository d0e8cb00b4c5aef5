//! Counters of a name over all its sockets.

use jiff::Timestamp;

use crate::{connection::Traffic, core::Message};

/// The message counters of a name.
#[derive(Default)]
pub(in crate::connection) struct Counters {
    /// Messages that the kernel has.
    pub sent: Traffic,
    /// Messages that came in.
    pub received: Traffic,
    /// When the last one came on a socket in use.
    pub last_message_at: Option<Timestamp>,
    /// Messages that ended in doubt. Those that are sent again are counted by the outbox.
    pub in_doubt: u64,
    /// Accepted messages that were dropped unsent.
    pub dropped: u64,
}

impl Counters {
    /// Counts messages, and their bytes, that the kernel has.
    pub fn count_sent(&mut self, (messages, bytes): (u64, u64)) {
        self.sent.messages += messages;
        self.sent.bytes += bytes;
    }

    /// Counts an incoming message.
    pub fn count_received(&mut self, message: &Message) {
        self.received.messages += 1;
        self.received.bytes += message.len() as u64;
    }
}
