//! The size of a piece of the past, and the progress of a reader.

use crate::core::Cursor;

/// The most events of a piece. Each may cost a look under a lock.
const PIECE: usize = 128;
/// The most payload bytes of a piece, unless a single message has more.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// The progress of a reader.
#[derive(Debug, Default)]
pub(super) struct ReadOn {
    /// Unread events were dropped; then nothing was read.
    pub lost: bool,
    /// The position of the next message.
    pub next: Option<Cursor>,
}

/// The room that is left in a piece.
pub(super) struct Room {
    events: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            events: PIECE,
            bytes: PIECE_BYTES,
        }
    }
}

impl Room {
    /// Whether there is room for one more event.
    pub fn is_left(&self) -> bool {
        self.events > 0 && self.bytes > 0
    }

    /// Counts an event of `bytes` payload bytes.
    pub fn take(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
