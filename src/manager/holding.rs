//! Subscriptions of callers from an earlier process, restored before the names are dialled.

use super::registry::Manager;
use crate::{connection::RecalledWish, core::ConnectionName};

impl Manager {
    /// See `recall_subscription`.
    pub(crate) fn recall_compiled(&self, name: &ConnectionName, wish: RecalledWish) {
        let mut names = self.0.names.write();
        match names.entries.get(name) {
            Some(entry) => entry.outbox.recall_wish(wish, &self.0.process.memory),
            None => {
                let waiting = names.recalled.entry(name.clone()).or_default();
                waiting.push(wish);
            }
        }
    }

    /// Forgets the recalled subscriptions (`recall_subscription`) of a name that was not opened.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// let name = everwire::core::ConnectionName::new("gone")?;
    /// if manager.find(&name).is_none() {
    ///     manager.forget_recalled(&name);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn forget_recalled(&self, name: &ConnectionName) {
        self.0.names.write().recalled.remove(name);
    }
}
