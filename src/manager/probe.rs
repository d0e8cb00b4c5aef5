//! Trial dials that test a name's settings.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::registry::Manager;
use crate::{
    connection::{ConnectionGone, Probed, probe},
    core::ConnectionName,
};

impl Manager {
    /// Dials all URLs of a name with its current settings, within the dial budget, and closes each
    /// socket with 1000 as soon as it is open. The name's own socket and attempts are not affected.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # let feed = manager.open("feed", settings)?;
    /// for probed in manager.probe("feed").await? {
    ///     match probed.outcome {
    ///         Ok(reached) => println!("{}: {} would serve", probed.url, reached.peer),
    ///         Err(cause) => println!("{}: {}", probed.url, cause.text()),
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionGone`] when there is no such name.
    pub async fn probe(&self, name: impl AsRef<str>) -> Result<Vec<Probed>, ConnectionGone> {
        let name = name.as_ref();
        let known = ConnectionName::new(name).map_err(|_| ConnectionGone::UNKNOWN)?;
        let (settings, owner, arbiter) = {
            let names = self.0.names.read();
            let entry = names.entries.get(name).ok_or(ConnectionGone::UNKNOWN)?;
            (entry.settings.clone(), entry.outbox.owner(), entry.arbiter)
        };
        let process = Arc::clone(&self.0.process);
        let (mut sender, answer) = oneshot::channel();
        // A dial runs on an arbiter. If the arbiter has stopped, its names are gone, too.
        let _stopped = self.0.arbiters.get(arbiter).spawn_fn(move || {
            actix::spawn(async move {
                tokio::select! {
                    probed = probe(known, settings, owner, process) => {
                        let _unheard = sender.send(probed);
                    }
                    // The caller has stopped waiting.
                    () = sender.closed() => {}
                }
            });
        });
        answer.await.map_err(|_| ConnectionGone::UNKNOWN)
    }
}
