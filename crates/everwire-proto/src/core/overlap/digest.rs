//! The digest by which a repeated message is recognised.

use std::hash::{DefaultHasher, Hasher};

use crate::core::Message;

/// 128 bits of a message's kind and payload: two different messages collide only by accident, once
/// in 10³⁸ pairs. It is no defence against a peer that searches for collisions, but such a peer
/// could only hide its own messages.
pub(super) type Digest = u128;

/// The digest of a message.
pub(super) fn digest(message: &Message) -> Digest {
    let kind = u8::from(message.as_text().is_some());
    let half = |number: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write(&[number, kind]);
        hasher.write(message.payload());
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
