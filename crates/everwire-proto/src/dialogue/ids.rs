//! The numbers of a socket's messages.

/// The counter of a socket: each message that the conversation sends gets the next number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids(u64);

impl Ids {
    /// Starts with this number; 0 means 1.
    pub fn from(first: u64) -> Self {
        Self(first.max(1))
    }

    /// The number of the next message.
    pub fn next(self) -> u64 {
        self.0
    }

    /// Takes that number.
    pub fn take(&mut self) -> u64 {
        let id = self.0;
        self.0 = id.wrapping_add(1).max(1);
        id
    }
}
