//! The log of the world, with what is on its way to it.

/// A record of the log.
pub struct Entry {
    /// No other record has it, in no version of the log.
    pub id: u64,
    pub at: u64,
    pub bytes: Vec<u8>,
}

/// The log, and what is on its way to it.
#[derive(Default)]
pub struct Log {
    /// The number of the first record that is left.
    pub first: u64,
    pub entries: Vec<Entry>,
    pub coming: Vec<(u64, Vec<u8>)>,
    pub ids: u64,
    pub is_away: bool,
    /// When it has lost records, or another leader; a reader that was connected before has a break.
    pub broken: u64,
}

impl Log {
    /// The record with this number.
    pub fn at(&self, number: u64) -> Option<&Entry> {
        let index = number.checked_sub(self.first)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    pub fn len(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap()
    }
}
