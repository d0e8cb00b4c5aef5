//! Connecting, closing and rotating a connection, and opening sessions.

use bytestring::ByteString;

use super::Handle;
use crate::{
    connection::{
        CloseMyself, Connect, ConnectionGone, NotOpen, OpenSession, OpenSessionError, Rotate,
        SendError, Session, SessionSettings,
    },
    core::Message,
    manager::error::CloseError,
};

impl Handle {
    /// Brings the name up: see [`Connect`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::{Delivery, EventKind};
    /// use futures::StreamExt;
    ///
    /// // Its settings have `enabled = false`.
    /// let mut events = feed.subscribe(Delivery::default());
    /// feed.connect(None).await?;
    /// while let Some(update) = events.next().await {
    ///     if let Some(EventKind::Ready) = update.kind() {
    ///         println!("{:?} is up", update.name());
    ///         break;
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
    /// [`SendError`] when `data` is too long, the outbox is full, or the name was removed.
    pub async fn connect(&self, data: Option<Message>) -> Result<(), SendError> {
        self.addr
            .send(Connect { data })
            .await
            .map_err(ConnectionGone::of_mailbox)??;
        Ok(())
    }

    /// Begins a close by hand: see [`CloseMyself`].
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
    /// use everwire::{Rejected, SendError};
    ///
    /// feed.close(1000, "until tomorrow").await?;
    /// // It stays closed until somebody connects it.
    /// assert!(matches!(feed.send("hello"), Err(SendError::Rejected(Rejected::Closed))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CloseError`]; nothing is closed then.
    pub async fn close(&self, code: u16, reason: impl Into<ByteString>) -> Result<(), CloseError> {
        let reason = reason.into();
        self.addr
            .send(CloseMyself { code, reason })
            .await
            .map_err(ConnectionGone::of_mailbox)??;
        Ok(())
    }

    /// Replaces the socket without an interruption: see [`Rotate`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # let mut events = manager.subscribe(everwire::Pattern::all(), everwire::Delivery::default());
    /// # let feed = manager.open("feed", settings)?;
    /// # use futures::StreamExt;
    /// # use everwire::EventKind;
    /// # while let Some(update) = events.next().await {
    /// #     if matches!(update.kind(), Some(EventKind::Ready)) {
    /// #         break;
    /// #     }
    /// # }
    /// feed.rotate().await?;
    /// while let Some(update) = events.next().await {
    ///     if let Some(EventKind::Rotated(rotated)) = update.kind() {
    ///         println!("{:?}: {} serves now", update.name(), rotated.peer);
    ///         break;
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
    /// [`NotOpen`] when no socket is in use, or the name is gone.
    pub async fn rotate(&self) -> Result<(), NotOpen> {
        self.addr
            .send(Rotate)
            .await
            .map_err(ConnectionGone::of_mailbox)?
    }

    /// Opens a separate socket beside the socket of the name. It uses the name's current settings:
    /// URLs (the name's preferred one first), headers, secrets, TLS, proxy, compression and limits.
    /// The dial waits for the dial budget, and the whole takes at most `connect_timeout`. Dropping
    /// the future ends the dial.
    ///
    /// The caller does all talking. Neither `on_open` nor the heartbeat's texts are sent, and
    /// messages are not published as events. The start and the end of the session are
    /// ([`SessionOpened`](crate::EventKind::SessionOpened),
    /// [`SessionClosed`](crate::EventKind::SessionClosed)), and
    /// [`Status::sessions`](crate::Status::sessions) lists it. Heartbeat pings are sent. `rate`,
    /// `idle_timeout` and `rotate_after` apply only to the socket of the name.
    ///
    /// The session ends when the name is closed by hand or removed, or gets other settings for its
    /// socket. A removal and a shutdown wait for the session's close, at most `close_timeout`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # let mut events = manager.subscribe(everwire::Pattern::all(), everwire::Delivery::default());
    /// # let feed = manager.open("feed", settings)?;
    /// # while let Some(update) = futures::StreamExt::next(&mut events).await {
    /// #     if matches!(update.kind(), Some(everwire::EventKind::Ready)) {
    /// #         break;
    /// #     }
    /// # }
    /// use everwire::connection::session::{Heard, SessionSettings};
    ///
    /// let settings = SessionSettings::default().client("10.0.0.7");
    /// let (sender, mut receiver) = feed.open_session(settings).await?.split();
    /// sender.send("hello".into()).await?;
    /// assert_eq!(receiver.heard().await, Heard::Message("hello".into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenSessionError`], when the name is meant to be down, or the peer cannot be reached.
    pub async fn open_session(
        &self,
        settings: SessionSettings,
    ) -> Result<Session, OpenSessionError> {
        let asked = self.addr.send(OpenSession(settings)).await;
        let opening = asked.map_err(|_| OpenSessionError::Gone)??;
        opening.await.map_err(|_| OpenSessionError::Gone)?
    }
}
