//! Whose the names are, and what that gives them.

use super::Manager;
use crate::core::{Owner, OwnerShares};

impl Manager {
    /// Whose a name is; `None` for one that nobody owns, and where there is no such name.
    pub fn owner(&self, name: impl AsRef<str>) -> Option<Owner> {
        let names = self.0.names.read();
        names.entries.get(name.as_ref())?.gate.owner()
    }

    /// How many names belong to an owner, those included that are being removed. It looks at all names.
    pub fn owned(&self, owner: &Owner) -> usize {
        let names = self.0.names.read();
        let entries = names.entries.values();
        let owned = entries.filter(|entry| entry.gate.belongs_to(owner));
        owned.count()
    }

    /// Takes a name from its owner: nobody owns it from now on, and its next dial is nobody's.
    pub fn disown(&self, name: impl AsRef<str>) {
        if let Some(entry) = self.0.names.read().entries.get(name.as_ref()) {
            entry.gate.give_to(None);
        }
    }

    /// Gives the owners these shares of what names use up together: places of the dial budget and its rates, and lookups. They hold
    /// from now on, for dials that wait and for those under way as well. Until then no owner has a limit.
    pub fn set_owner_shares(&self, shares: OwnerShares) {
        self.0.commons.resolver.set_shares(shares.clone());
        self.0.commons.budget.set_shares(shares);
    }
}
