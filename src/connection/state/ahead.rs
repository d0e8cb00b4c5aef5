//! Messages before the outbox.

use crate::core::Message;

/// How many may wait.
const MAX_AHEAD: usize = 64;

/// Our own messages for the open socket. Boxed: there is rarely one.
#[derive(Default)]
pub(in crate::connection) struct Ahead(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    messages: Vec<Message>,
}

impl Ahead {
    /// Queues a message; `false` if there is no room. At most `max_bytes` bytes may wait, or one
    /// message.
    pub fn push(&mut self, message: &Message, max_bytes: usize) -> bool {
        let messages = self.0.as_deref().map_or(&[][..], |it| &it.messages);
        let bytes: usize = messages.iter().map(Message::len).sum();
        let is_full = bytes + message.len() > max_bytes;
        if messages.len() >= MAX_AHEAD || (is_full && !messages.is_empty()) {
            return false;
        }
        let waiting = self.0.get_or_insert_default();
        waiting.messages.push(message.clone());
        true
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Takes all that waits.
    pub fn take(&mut self) -> Vec<Message> {
        let waiting = self.0.take();
        waiting.map_or_else(Vec::new, |waiting| waiting.messages)
    }
}
