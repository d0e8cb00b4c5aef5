//! How much of the past is read at a time, and how far that came.

use crate::core::Cursor;

/// So many events are read at a time, each of which may cost a look under a lock.
const PIECE: usize = 128;
/// And so many payload bytes, unless a single message has more.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// How far a reader has come.
#[derive(Debug, Default)]
pub(super) struct ReadOn {
    /// Whether something has gone that it had not read; then nothing was read.
    pub lost: bool,
    /// The position of the next message.
    pub next: Option<Cursor>,
}

/// What is left of a piece.
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
    /// Whether something has room.
    pub fn is_left(&self) -> bool {
        self.events > 0 && self.bytes > 0
    }

    /// An event of so many payload bytes has taken its place.
    pub fn take(&mut self, bytes: usize) {
        self.events -= 1;
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
