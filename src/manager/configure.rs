//! Changes the settings of a name.

use super::{error::ConfigureError, features, recall::needs_store, registry::Manager};
use crate::{
    connection::{Configure, ConnectionGone},
    core::ConnectionName,
    events::Applied,
    settings::ConnectionSettings,
};

impl Manager {
    /// Gives a name new settings. The result says whether its socket is replaced for them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let settings = manager.settings("feed").ok_or("no such name")?;
    /// let mut settings = (*settings).clone();
    /// settings.tags.push("production".into());
    ///
    /// let applied = manager.configure("feed", settings).await?;
    /// assert!(!applied.reconnect); // a tag needs no other socket
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConfigureError`]; the old settings then stay in force.
    pub async fn configure(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
    ) -> Result<Applied, ConfigureError> {
        features::check_conversation(&settings)?;
        features::check(&settings)?;
        if needs_store(&settings) {
            let opened = self.0.process.persistence.open();
            opened.map_err(|error| ConfigureError::Store(error.to_string()))?;
        }
        let addr = {
            let mut names = self.0.names.write();
            let entry = names.entries.get_mut(name.as_ref());
            // A name that is being removed would take the settings along.
            let entry = entry
                .filter(|entry| !entry.leaves)
                .ok_or(ConnectionGone::UNKNOWN)?;
            match needs_store(&settings) {
                true if !entry.outbox.is_held() => self.may_become_durable(name.as_ref())?,
                true => {}
                // The name does not need the store any more.
                false => entry.outbox.forgo_store(),
            }
            entry.settings = self.0.process.settings.share(settings.clone());
            entry.addr.clone()
        };
        addr.send(Configure(Box::new(settings)))
            .await
            .map_err(|closed| ConnectionGone::of_mailbox(closed).into())
    }

    /// Whether a name that was opened without a look into the store can store its messages now.
    fn may_become_durable(&self, name: &str) -> Result<(), ConfigureError> {
        let persistence = &self.0.process.persistence;
        if let Some(outage) = persistence.outage() {
            return Err(ConfigureError::Store(outage.text.to_string()));
        }
        let is_held =
            ConnectionName::new(name).is_ok_and(|name| persistence.holds_messages_of(&name));
        if is_held {
            let text = "it holds messages of an earlier process for this name, which go out after a restart with these settings";
            return Err(ConfigureError::Store(text.into()));
        }
        Ok(())
    }
}
