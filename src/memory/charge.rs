//! The memory of one holder, counted by the budget.

use std::sync::Arc;

use super::{
    budget::MemoryBudget,
    lease,
    usage::{MemoryUse, OutOfMemory},
};

/// Memory is counted in grains of this many bytes, so that most messages change nothing.
pub(crate) const GRAIN: usize = 2048;

/// The memory of one holder, counted against the limit over all names. Dropping it gives the memory
/// back.
///
/// Use it in a program that holds much for its names, for example bodies that it is about to send.
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
    /// The number of grains. Kept small, since each socket and each outbox has one.
    grains: u32,
}

impl Charge {
    /// The charge of a holder that has nothing yet.
    pub(crate) fn new(budget: &Arc<MemoryBudget>, of: MemoryUse) -> Self {
        Self {
            budget: Arc::clone(budget),
            of,
            grains: 0,
        }
    }

    /// A charge that counts for nobody else.
    #[must_use]
    pub fn detached(of: MemoryUse) -> Self {
        Self::new(&MemoryBudget::new(usize::MAX), of)
    }

    /// The counted bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.grains as usize * GRAIN
    }

    /// Whether `more` bytes may be held.
    pub fn has_room(&self, more: usize) -> bool {
        self.budget.has_room(self.of, more)
    }

    /// The same, by the ceiling of another use.
    pub(crate) fn has_room_of(&self, of: MemoryUse, more: usize) -> bool {
        self.budget.has_room(of, more)
    }

    /// The limit of each history, in bytes: whole grains, so that it compares with counted bytes.
    #[inline]
    pub(crate) fn history_level(&self) -> usize {
        self.budget.history_level()
    }

    /// Sets the bytes that are held, whatever the ceiling is: they were accepted already.
    pub fn set(&mut self, bytes: usize) {
        let grains = grains(bytes);
        if grains != self.grains {
            self.change(grains);
        }
    }

    /// Like `set`, for a holder whose size goes up and down all the time: memory is given back only
    /// when it is more than a grain.
    #[inline]
    pub(crate) fn follow(&mut self, bytes: usize) {
        let counted = self.bytes();
        if bytes > counted || bytes + 2 * GRAIN <= counted {
            self.set(bytes);
        }
    }

    /// Asks to hold `bytes`.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] if that is more than before and more than there is; nothing is changed then.
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
