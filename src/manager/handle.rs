//! The handle of a name, for programs.

mod control;
mod request;
mod sending;
mod subscriptions;
mod watching;

use std::sync::Arc;

use actix::Addr;

pub use self::watching::EvaluateError;
use crate::{
    connection::{
        AskLastMessage, Connection, ConnectionGone, LastMessage, SharedOutbox, Snapshot, Status,
    },
    core::{ConnectionName, Pattern},
    hub::{Delivery, Events, Hub},
};

/// One named connection. Cloning is cheap, and it works from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    name: ConnectionName,
    addr: Addr<Connection>,
    outbox: Arc<SharedOutbox>,
    hub: Arc<Hub>,
}

impl Handle {
    pub(super) fn new(
        name: ConnectionName,
        addr: Addr<Connection>,
        outbox: Arc<SharedOutbox>,
        hub: Arc<Hub>,
    ) -> Self {
        Self {
            name,
            addr,
            outbox,
            hub,
        }
    }

    /// The name.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::Pattern;
    ///
    /// for handle in manager.list(&Pattern::all()) {
    ///     println!("{}", handle.name());
    /// }
    /// # assert_eq!(feed.name(), "feed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(&self) -> &ConnectionName {
        &self.name
    }

    /// The actor's address. If the actor dies, which only a bug can cause, the manager starts
    /// another, and [`Manager::find`](crate::Manager::find) gives the new address.
    /// [`send`](Self::send) keeps working.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::{Send, Snapshot};
    ///
    /// feed.addr().send(Send::text("hello")).await??;
    /// let status = feed.addr().send(Snapshot).await?;
    /// assert_eq!(status.outbox.messages, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn addr(&self) -> &Addr<Connection> {
        &self.addr
    }

    /// The epoch of messages that are accepted now. It can be the epoch of a respawn that is still
    /// under way.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let epoch = feed.epoch();
    /// let receipt = feed.send("hello")?;
    /// assert_eq!(receipt.epoch(), epoch);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn epoch(&self) -> u32 {
        self.outbox.epoch()
    }

    /// Whether the name is durable and waits for a store that [cannot be opened
    /// yet](crate::Manager::store_outage). Until then the messages of earlier processes are
    /// unknown, and the name accepts no messages.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// if feed.waits_for_store() {
    ///     eprintln!("no message is accepted yet: {:?}", manager.store_outage());
    /// } else {
    ///     feed.send("hello")?;
    /// }
    /// # assert!(!feed.waits_for_store());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn waits_for_store(&self) -> bool {
        self.outbox.is_held()
    }

    /// The status of the name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::State;
    ///
    /// feed.send("hello")?;
    /// let status = feed.status().await?;
    /// assert_eq!(status.state, State::Idle);
    /// assert_eq!(status.outbox.messages, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionGone`].
    pub async fn status(&self) -> Result<Status, ConnectionGone> {
        self.addr
            .send(Snapshot)
            .await
            .map_err(ConnectionGone::of_mailbox)
    }

    /// The peer's last message before its last socket ended, if that socket ended within five
    /// seconds after it was ready: some servers give the reason only there. Kept until another
    /// socket has been ready for five seconds. Secrets that the peer was sent are masked. The rest
    /// is the peer's own text, which no event and no status shows.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # peer.script("/feed", everwire::testing::Script::sink().send("wrong token").close(Some(1008), ""));
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/feed"))?;
    /// # let feed = manager.open("feed", settings)?;
    /// # use everwire::{Delivery, EventKind};
    /// # use futures::StreamExt;
    /// # let mut events = feed.subscribe(Delivery::default());
    /// # while let Some(update) = events.next().await {
    /// #     if matches!(update.kind(), Some(EventKind::Closed(_))) {
    /// #         break;
    /// #     }
    /// # }
    /// // The peer has said something, and has closed the socket at once.
    /// if let Some(last) = feed.last_message().await? {
    ///     println!("{} bytes: {:?}", last.bytes, last.shown);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionGone`].
    pub async fn last_message(&self) -> Result<Option<LastMessage>, ConnectionGone> {
        self.addr
            .send(AskLastMessage)
            .await
            .map_err(ConnectionGone::of_mailbox)
    }

    /// The number of messages that wait or are being written.
    pub(super) fn waiting(&self) -> usize {
        self.outbox.with(|locked| locked.outbox.len())
    }

    /// The events of this name alone.
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
    /// use everwire::Delivery;
    /// use futures::StreamExt;
    ///
    /// let mut events = feed.subscribe(Delivery::default());
    /// feed.send("hello")?;
    /// while let Some(update) = events.next().await {
    ///     if let Some((_, message)) = update.message() {
    ///         assert_eq!(message.as_text(), Some("hello"));
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, delivery: Delivery) -> Events {
        self.hub.stream(Pattern::exactly(&self.name), delivery)
    }
}
