//! The memory that the names, and the program for them, may use.

use super::registry::Manager;
use crate::memory::{Charge, MemoryUsage, MemoryUse, default_limit};

impl Manager {
    /// How much memory of [`ServiceSettings::memory`](crate::config::ServiceSettings::memory) is
    /// used, and for what.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// let usage = manager.memory_usage();
    /// println!("{} of {} bytes, {} of them in outboxes", usage.used(), usage.limit, usage.outboxes);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn memory_usage(&self) -> MemoryUsage {
        self.0.process.memory.usage()
    }

    /// An account for memory that the program holds for its names.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::memory::MemoryUse;
    ///
    /// let body = vec![0; 100_000];
    /// let mut charge = manager.charge(MemoryUse::Bodies);
    /// charge.try_set(body.len())?; // refused when memory is short
    /// feed.send(body)?;
    /// drop(charge); // the outbox has it now, and counts it itself
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn charge(&self, of: MemoryUse) -> Charge {
        Charge::new(&self.0.process.memory, of)
    }

    /// Sets the memory limit in bytes; `None` is half of the machine's memory. Accepted messages
    /// are never dropped for it.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// manager.set_memory(Some(256 << 20));
    /// assert_eq!(manager.memory_usage().limit, 256 << 20);
    /// manager.set_memory(None); // half of what the machine allows
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_memory(&self, limit: Option<usize>) {
        let limit = limit.unwrap_or_else(default_limit);
        self.0.process.memory.set_limit(limit);
    }

    /// Sets the limit in bytes for all histories together, but at most half of the memory limit.
    /// Excess goes within a second: the oldest messages of the longest histories first.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// manager.set_history_bytes(1 << 20);
    /// assert_eq!(manager.memory_usage().histories_limit, 1 << 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_history_bytes(&self, limit: usize) {
        self.0.process.memory.set_histories_limit(limit);
    }
}
