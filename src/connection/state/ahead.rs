//! What goes out ahead of the outbox.

use std::vec::Drain;

use crate::core::Message;

/// As many may wait.
const MAX_AHEAD: usize = 64;

/// Messages of ours for the socket that is up.
#[derive(Default)]
pub(in crate::connection) struct Ahead(Vec<Message>);

impl Ahead {
    /// Puts a message behind the others; false if it finds no room: no more bytes may wait than these, or one message.
    pub fn push(&mut self, message: &Message, max_bytes: usize) -> bool {
        let bytes: usize = self.0.iter().map(Message::len).sum();
        let is_full = bytes + message.len() > max_bytes;
        if self.0.len() >= MAX_AHEAD || (is_full && !self.0.is_empty()) {
            return false;
        }
        self.0.push(message.clone());
        true
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all that waits.
    pub fn drain(&mut self) -> Drain<'_, Message> {
        self.0.drain(..)
    }
}
