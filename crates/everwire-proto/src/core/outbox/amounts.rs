//! The size of an outbox.

use std::collections::VecDeque;

use super::{Outbox, Queued};
use crate::core::Message;

impl Outbox {
    /// How many messages wait, are being written, or are kept until they are confirmed.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits, is being written or is kept.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether all messages here were written.
    pub fn is_written(&self) -> bool {
        self.queue.len() == self.kept
    }

    /// How many messages are being written.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How many messages here the peer may have: they were written to a socket that died before
    /// they were confirmed, or were left by an earlier process.
    pub fn in_doubt(&self) -> u64 {
        // They are older than all others.
        self.queue.partition_point(|queued| queued.doubt) as u64
    }

    /// How many messages wait to be written a second time.
    pub fn to_resend(&self) -> usize {
        let waiting = self.queue.range(self.kept + self.taken..);
        waiting.take_while(|waiting| waiting.doubt).count()
    }

    /// The payload bytes of all messages here.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The heap memory of the messages, in bytes.
    pub fn footprint(&self) -> usize {
        self.queue.capacity() * size_of::<Queued>() + self.bytes
    }

    /// How much memory this message adds, in bytes.
    pub fn growth(&self, message: &Message) -> usize {
        let places = match self.queue.len() < self.queue.capacity() {
            true => 0,
            false => self.queue.capacity().max(4),
        };
        places * size_of::<Queued>() + message.len()
    }

    /// Frees memory that an empty queue does not need.
    pub fn shrink(&mut self) {
        if self.queue.is_empty() && self.queue.capacity() > 64 {
            self.queue = VecDeque::new();
        }
    }
}
