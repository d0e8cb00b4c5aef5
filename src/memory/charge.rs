//! Memory that somebody holds, as the budget knows it.

use std::sync::Arc;

use super::{
    budget::MemoryBudget,
    lease,
    usage::{MemoryUse, OutOfMemory},
};

/// What is held is counted in such grains, in bytes: most messages that come and go change nothing.
pub(crate) const GRAIN: usize = 2048;

/// Memory of one holder, as the bound over all names knows it; dropping it gives it back.
///
/// A program that holds much for its names, such as bodies that it is about to send, can have it counted.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use everwire::{Manager, Settings, memory::MemoryUse};
///
/// let manager = Manager::spawn(Settings::default())?;
/// let mut charge = manager.charge(MemoryUse::Bodies);
/// charge.try_set(64 << 10)?;
/// assert_eq!(manager.memory_usage().bodies, 64 << 10);
/// drop(charge);
/// assert_eq!(manager.memory_usage().bodies, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Charge {
    budget: Arc<MemoryBudget>,
    of: MemoryUse,
    /// As many grains were taken. In so few bits it is small: each socket has one, and each outbox.
    grains: u32,
}

impl Charge {
    /// Of a holder that has nothing yet.
    pub(crate) fn new(budget: &Arc<MemoryBudget>, of: MemoryUse) -> Self {
        Self {
            budget: Arc::clone(budget),
            of,
            grains: 0,
        }
    }

    /// One that counts for nobody else.
    #[must_use]
    pub fn detached(of: MemoryUse) -> Self {
        Self::new(&MemoryBudget::new(usize::MAX), of)
    }

    /// As much is held, in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.grains as usize * GRAIN
    }

    /// Whether so much more may be held.
    pub fn has_room(&self, more: usize) -> bool {
        self.budget.has_room(self.of, more)
    }

    /// The same by the ceiling of another use.
    pub(crate) fn has_room_of(&self, of: MemoryUse, more: usize) -> bool {
        self.budget.has_room(of, more)
    }

    /// What each history may hold, in bytes: whole grains, so that it compares with what is counted.
    #[inline]
    pub(crate) fn history_level(&self) -> usize {
        self.budget.history_level()
    }

    /// So much is held now: it was accepted, whatever the ceiling says.
    pub fn set(&mut self, bytes: usize) {
        let grains = grains(bytes);
        if grains != self.grains {
            self.change(grains);
        }
    }

    /// So much is held now, by one who holds a little more and a little less all the time: what it no longer holds is given back once it is
    /// more than a grain.
    #[inline]
    pub(crate) fn follow(&mut self, bytes: usize) {
        let counted = self.bytes();
        if bytes > counted || bytes + 2 * GRAIN <= counted {
            self.set(bytes);
        }
    }

    /// So much is to be held.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when it is more than before and more than there is; then nothing has changed.
    pub fn try_set(&mut self, bytes: usize) -> Result<(), OutOfMemory> {
        let grains = grains(bytes);
        let Some(more) = grains.checked_sub(self.grains).filter(|more| *more > 0) else {
            self.set(bytes);
            return Ok(());
        };
        match lease::try_take(&self.budget, self.of, more as usize * GRAIN) {
            true => self.grains = grains,
            false => return Err(OutOfMemory),
        }
        Ok(())
    }

    fn change(&mut self, grains: u32) {
        match grains.checked_sub(self.grains) {
            Some(more) => lease::take(&self.budget, self.of, more as usize * GRAIN),
            None => {
                let less = (self.grains - grains) as usize * GRAIN;
                lease::give_back(&self.budget, self.of, less);
            }
        }
        self.grains = grains;
    }
}

fn grains(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(GRAIN)).unwrap_or(u32::MAX)
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.grains > 0 {
            self.change(0);
        }
    }
}
