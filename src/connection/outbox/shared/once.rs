//! Messages that senders may repeat.

use std::sync::Arc;

use ring::digest::{Context, SHA256};

use super::{MessageId, SharedOutbox, receipt::Receipt};
use crate::{
    clock,
    core::{Fingerprint, IdempotencyKeys, Lookup, Message, Rejected},
};

/// Why a message with a key was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendOnceError {
    /// It would not have been accepted without a key either.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Another message was accepted with this key.
    #[error("the key was used for another message; each message needs a key of its own")]
    KeyUsed,
    /// The key is empty, or too long.
    #[error("invalid key: it has {0} bytes; 1 to {max} are allowed", max = IdempotencyKeys::LONGEST)]
    InvalidKey(usize),
}

impl SharedOutbox {
    /// Accepts a message. If one was accepted before with the same key, returns that one's receipt.
    pub fn send_once(
        self: &Arc<Self>,
        key: &[u8],
        message: Message,
    ) -> Result<Receipt, SendOnceError> {
        if !(1..=IdempotencyKeys::LONGEST).contains(&key.len()) {
            return Err(SendOnceError::InvalidKey(key.len()));
        }
        let (fingerprint, now) = (fingerprint(&message), clock::now());
        let mut guard = self.locked.lock();
        let locked = &mut *guard;
        let keys = locked.keys.as_ref();
        let known =
            keys.map(|keys| keys.find(key, &fingerprint, now, |id| locked.outbox.holds(id)));
        match known.unwrap_or(Lookup::New) {
            Lookup::Known(id) => return Ok(Receipt::new(self, id, locked.ids.of(id))),
            Lookup::Other => return Err(SendOnceError::KeyUsed),
            Lookup::New => {}
        }
        let accepted = self.accept(locked, message)?;
        let (keys, outbox) = (locked.keys.get_or_insert_default(), &locked.outbox);
        keys.insert(accepted.id, key, fingerprint, now, |id| outbox.holds(id));
        let MessageId { id, epoch } = self.accepted(guard, accepted);
        Ok(Receipt::new(self, id, epoch))
    }
}

fn fingerprint(message: &Message) -> Fingerprint {
    let mut context = Context::new(&SHA256);
    context.update(match message {
        Message::Text(_) => b"t",
        Message::Binary(_) => b"b",
    });
    context.update(message.payload());
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}
