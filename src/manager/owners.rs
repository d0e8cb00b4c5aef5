//! The owners of names, and their shares.

use super::registry::Manager;
use crate::core::{Owner, OwnerShares};

impl Manager {
    /// The owner of a name; `None` if nobody owns it, or it does not exist.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::Owner;
    ///
    /// manager.open("feed", settings.clone())?;
    /// assert_eq!(manager.owner("feed"), None);
    ///
    /// manager.open_owned("acme.feed", settings, Owner::new("acme"))?;
    /// assert_eq!(manager.owner("acme.feed"), Some(Owner::new("acme")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn owner(&self, name: impl AsRef<str>) -> Option<Owner> {
        let names = self.0.names.read();
        names.entries.get(name.as_ref())?.outbox.owner()
    }

    /// The number of names that belong to an owner, including those that are being removed. Walks
    /// all names.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::Owner;
    ///
    /// const MOST: usize = 100;
    /// let acme = Owner::new("acme");
    /// if manager.owned(&acme) < MOST {
    ///     manager.open_owned("acme.feed", settings, acme.clone())?;
    /// }
    /// assert_eq!(manager.owned(&acme), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn owned(&self, owner: &Owner) -> usize {
        let names = self.0.names.read();
        let entries = names.entries.values();
        let owned = entries.filter(|entry| entry.outbox.belongs_to(owner));
        owned.count()
    }

    /// Takes a name from its owner: from its next dial on it belongs to nobody.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::Owner;
    ///
    /// manager.open_owned("acme.feed", settings, Owner::new("acme"))?;
    /// manager.disown("acme.feed");
    /// assert_eq!(manager.owner("acme.feed"), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn disown(&self, name: impl AsRef<str>) {
        if let Some(entry) = self.0.names.read().entries.get(name.as_ref()) {
            entry.outbox.give_to(None);
        }
    }

    /// Limits each owner's share of what names use together: places and rates of the dial budget,
    /// and lookups. The limits apply at once, also to dials that wait or are under way. Until the
    /// first call owners have no limits.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{Owner, core::{OwnerShares, Share}};
    ///
    /// // `ops` reaches all names and has no limit; `acme` has a part.
    /// let (ops, acme) = (Owner::new("ops"), Owner::new("acme"));
    /// let shares = OwnerShares::of_tokens([(ops, true), (acme.clone(), false)]);
    /// assert_eq!(shares.of(Some(&acme)), Share::Tenant);
    /// manager.set_owner_shares(shares);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_owner_shares(&self, shares: OwnerShares) {
        self.0.process.resolver.set_shares(shares.clone());
        self.0.process.budget.set_shares(shares);
    }
}
