//! Secrets of the running manager.

use super::registry::Manager;
use crate::{core::ConnectionName, secret_store::SecretStoreFull, settings::Secret};

impl Manager {
    /// Sets the value of `${secret:ID}` from the next dial on. `true` if the id is new. Only a dial
    /// can read the value.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{ConnectionName, config::Secret};
    ///
    /// // For a name with `headers = { Authorization = "Bearer ${secret:feed-token}" }`.
    /// let id = ConnectionName::new("feed-token")?;
    /// assert!(manager.put_secret(id.clone(), Secret::new("abc"))?);
    /// // The token was replaced: sockets that are up stay up.
    /// assert!(!manager.put_secret(id, Secret::new("def"))?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SecretStoreFull`]; nothing is changed then.
    pub fn put_secret(&self, id: ConnectionName, secret: Secret) -> Result<bool, SecretStoreFull> {
        self.0.process.secret_store.put(id, secret)
    }

    /// Forgets a secret. `true` if there was one. A name that needs it waits at its next dial:
    /// `secret_missing`.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// use everwire::{ConnectionName, config::Secret};
    ///
    /// manager.put_secret(ConnectionName::new("feed-token")?, Secret::new("abc"))?;
    /// assert!(manager.remove_secret("feed-token"));
    /// assert!(!manager.remove_secret("feed-token"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_secret(&self, id: impl AsRef<str>) -> bool {
        self.0.process.secret_store.remove(id.as_ref())
    }
}
