//! Names that another node of a cluster holds now.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{recall::needs_store, registry::Manager};
use crate::{
    connection::{Abandon, ConnectionGone},
    persistence::Order,
};

impl Manager {
    /// Forgets a name at once, because another node holds it now: nothing more is written to its
    /// peer, and nothing is waited for that the peer does.
    ///
    /// - Its sockets are closed with SO_LINGER 0, without a close frame and without a
    ///   `close_notify` of TLS: the kernel discards what it has not sent, and the peer sees a reset.
    ///   That holds for the socket in use, for the successor of a rotation, and for sessions. A dial
    ///   under way is dropped.
    /// - A message that was written and not confirmed ends [in doubt](crate::Fate::InDoubt), also
    ///   with `outbox.resend`: this node makes no other attempt. One that was not written is
    ///   [cancelled](crate::Fate::Cancelled), and readers see it
    ///   [dropped](crate::events::Dropped) for the reason `moved`.
    /// - A durable outbox stays on disk with its messages, as after the end of the process: they are
    ///   neither cancelled nor sent until the name is opened here again, in this process or in a
    ///   later one. Whoever waits for their fate is told the fate so far.
    /// - Readers see `closed` if a socket was open, and then `removed`.
    ///
    /// The name is free when this returns; its epoch is remembered. It returns as soon as the
    /// name's thread has had a turn, and a store, if one is in use, has had up to a second to write:
    /// so thousands of names can be abandoned together. From the first poll on the name accepts no
    /// messages. Old handles report it as closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::Fate;
    ///
    /// let receipt = feed.send("hello")?;
    /// manager.abandon("feed").await?;
    /// assert!(manager.find("feed").is_none());
    /// assert_eq!(receipt.now(), Fate::Cancelled);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionGone`] when there is no such name.
    pub async fn abandon(&self, name: impl AsRef<str>) -> Result<(), ConnectionGone> {
        let (name, outbox, addr, arbiter, stays) = {
            let mut names = self.0.names.write();
            let name = names.entries.get_key_value(name.as_ref());
            let name = name.ok_or(ConnectionGone::UNKNOWN)?.0.clone();
            let entry = names.entries.get_mut(&name);
            let entry = entry.ok_or(ConnectionGone::UNKNOWN)?;
            entry.leaves = true;
            let stays = needs_store(&entry.settings.common);
            let outbox = Arc::clone(&entry.outbox);
            outbox.with(|locked| locked.outbox.set_open(false));
            (name, outbox, entry.addr.clone(), entry.arbiter, stays)
        };
        let (done, ended) = oneshot::channel();
        let (forgotten, answer) = oneshot::channel();
        let manager = self.clone();
        // On the arbiter, so that it completes even if the caller stops waiting.
        self.0.arbiters.get(arbiter).spawn(async move {
            if addr.send(Abandon(done)).await.is_ok() {
                // An actor that dies meanwhile is gone, too.
                let _died = ended.await;
            }
            // For an actor that has died. Else it finds nothing.
            outbox.leave();
            if !stays {
                let forget = Order::Forget(name.clone());
                manager.0.process.persistence.order(forget);
            }
            manager.retire(&name, &outbox).await;
            // The caller may have stopped waiting.
            let _unheard = forgotten.send(());
        });
        answer.await.map_err(|_| ConnectionGone::UNKNOWN)
    }
}
