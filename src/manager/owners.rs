//! Whose the names are.

use super::Manager;
use crate::core::Owner;

impl Manager {
    /// Whose a name is; `None` for one that nobody owns, and where there is no such name.
    pub fn owner(&self, name: impl AsRef<str>) -> Option<Owner> {
        let names = self.0.names.read();
        names.entries.get(name.as_ref())?.owner.clone()
    }

    /// How many names belong to an owner, those included that are being removed. It looks at all names.
    pub fn owned(&self, owner: &Owner) -> usize {
        let names = self.0.names.read();
        let entries = names.entries.values();
        let owned = entries.filter(|entry| entry.owner.as_ref() == Some(owner));
        owned.count()
    }

    /// Takes a name from its owner: nobody owns it from now on.
    pub fn disown(&self, name: impl AsRef<str>) {
        if let Some(entry) = self.0.names.write().entries.get_mut(name.as_ref()) {
            entry.owner = None;
        }
    }
}
