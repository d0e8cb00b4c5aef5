//! The memory that an outbox, and all that belongs to it, holds.

use super::Locked;
use crate::core::{Message, Rejected};

impl Locked {
    /// The memory that is held now, in bytes.
    #[inline]
    fn held(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, |keys| keys.footprint());
        let data = self.connect_data.as_ref().map_or(0, |data| data.len());
        self.outbox.footprint() + keys + data
    }

    /// Updates the budget.
    #[inline]
    pub(super) fn count_memory(&mut self) {
        let held = self.held();
        self.charge.follow(held);
        self.left = self.charge.bytes().saturating_sub(held);
    }

    /// Takes memory for a message.
    #[inline]
    pub(super) fn make_memory(&mut self, message: &Message) -> Result<(), Rejected> {
        let growth = self.outbox.growth(message);
        if growth <= self.left {
            self.left -= growth;
            return Ok(());
        }
        self.make_more_memory(message, growth)
    }

    #[inline(never)]
    fn make_more_memory(&mut self, message: &Message, growth: usize) -> Result<(), Rejected> {
        let held = self.held() + growth;
        if self.charge.try_set(held).is_err() {
            return Err(self.without_memory(message));
        }
        self.left = self.charge.bytes().saturating_sub(held);
        Ok(())
    }

    /// Why a message is refused without memory. If it would be refused anyway, that reason is
    /// given.
    fn without_memory(&self, message: &Message) -> Rejected {
        let other = self.outbox.check(message).err();
        other.unwrap_or(Rejected::NoMemory)
    }
}
