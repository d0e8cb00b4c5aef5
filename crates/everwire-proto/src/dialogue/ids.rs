//! The numbers of what a socket sends.

/// The counter of a socket: each message that the conversation sends has the next number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids(u64);

impl Ids {
    /// From this number on; 0 stands for 1.
    pub fn from(first: u64) -> Self {
        Self(first.max(1))
    }

    /// The number of what is sent next.
    pub fn next(self) -> u64 {
        self.0
    }

    /// That was sent.
    pub fn take(&mut self) -> u64 {
        let id = self.0;
        self.0 = id.wrapping_add(1).max(1);
        id
    }
}
