//! A name, as a program holds it.

use std::sync::Arc;

use actix::Addr;
use bytestring::ByteString;

use crate::{
    connection::{
        AskLastMessage, CloseMyself, Connect, Connection, Gate, InvalidClose, LastMessage, NotUp,
        OpenSession, OpenSessionError, Receipt, Rotate, SendOnceError, Session, SessionSettings,
        Snapshot, Status,
    },
    core::{ConnectionName, Fate, Message, Pattern, Rejected},
    hub::{Delivery, Events, Hub},
};

/// One named connection. Cloning is cheap; it works from any thread.
#[derive(Clone, Debug)]
pub struct Handle {
    name: ConnectionName,
    addr: Addr<Connection>,
    gate: Arc<Gate>,
    hub: Arc<Hub>,
}

/// The name was removed, or its actor is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is gone")]
pub struct Gone;

/// Why a close did not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// The name is gone.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// The code or the reason cannot be sent.
    #[error(transparent)]
    Invalid(#[from] InvalidClose),
}

impl Handle {
    pub(super) fn new(
        name: ConnectionName,
        addr: Addr<Connection>,
        gate: Arc<Gate>,
        hub: Arc<Hub>,
    ) -> Self {
        Self {
            name,
            addr,
            gate,
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

    /// The actor's address. Should the actor die, which only a bug can bring about, the manager starts another, and
    /// [`Manager::find`](crate::Manager::find) gives its address; [`send`](Self::send) works on.
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

    /// Accepts a message: in call order, from any thread, without waiting. It goes out when the socket is up.
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
    /// use everwire::{Fate, Message};
    ///
    /// feed.send("a text")?;
    /// let receipt = feed.send(Message::binary(vec![1, 2, 3]))?;
    /// assert!(receipt.fate(Fate::Written).await.reaches(Fate::Written));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Rejected`] when the outbox has no room, the message is too long, or the name is closed.
    pub fn send(&self, message: impl Into<Message>) -> Result<Receipt, Rejected> {
        self.gate.send(message.into())
    }

    /// The same for a message that the caller may have to send again, not knowing whether it was accepted: with the same `key` it is
    /// accepted once, and the receipt is that of the first time.
    ///
    /// A key is remembered for an hour, and for as long as its message is in the outbox; beyond
    /// [`IdempotencyKeys::MOST`](crate::core::IdempotencyKeys::MOST) the oldest are forgotten whose messages are not. Owners that share
    /// a name write theirs before a NUL: with `b"OWNER\0KEY"` an owner that has more than an equal share forgets its own. The key of a durable
    /// message is stored with it, and survives the process; that of another does not.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let first = feed.send_once("order-4711", "buy 10")?;
    /// // The caller asks again, after a timeout of its own for example.
    /// let again = feed.send_once("order-4711", "buy 10")?;
    /// assert_eq!(again.id(), first.id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendOnceError`]; the message was not accepted then.
    pub fn send_once(
        &self,
        key: impl AsRef<[u8]>,
        message: impl Into<Message>,
    ) -> Result<Receipt, SendOnceError> {
        self.gate.send_once(key.as_ref(), message.into())
    }

    /// The epoch of the messages that are accepted now. It can be that of a respawn which is under way.
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
        self.gate.epoch()
    }

    /// Whether the name is durable and waits for a store that [cannot be opened yet](crate::Manager::store_outage): what earlier processes
    /// have accepted is not known, and nothing is accepted.
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
        self.gate.is_held()
    }

    /// The receipt of a message that was accepted earlier, by its [`epoch`](Receipt::epoch) and id. Any later epoch will do in which ids
    /// went on counting, as that of the `sent` event. `None`: no such message is known, perhaps any more.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let receipt = feed.send("hello")?;
    /// let (epoch, id) = (receipt.epoch(), receipt.id());
    ///
    /// // Elsewhere, where these two numbers were written down.
    /// let receipt = feed.receipt_in(epoch, id).ok_or("not known any more")?;
    /// println!("{}", receipt.now().as_str());
    /// # assert_eq!(receipt.id(), id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receipt_in(&self, epoch: u32, id: u64) -> Option<Receipt> {
        self.gate.receipt_in(epoch, id)
    }

    /// The receipt of a message that was accepted earlier, by its id; `None` if the id was never given out.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// let id = feed.send("hello")?.id();
    /// let receipt = feed.receipt(id).ok_or("never given out")?;
    /// assert_eq!(receipt.id(), id);
    /// assert!(feed.receipt(id + 1).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receipt(&self, id: u64) -> Option<Receipt> {
        self.gate.receipt(id)
    }

    /// What has become of a message that was accepted earlier, by its id; `None` if the id was never given out.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::Fate;
    ///
    /// let id = feed.send("hello")?.id();
    /// assert_eq!(feed.fate(id), Some(Fate::Queued)); // the name is not up
    /// assert_eq!(feed.fate(id + 1), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fate(&self, id: u64) -> Option<Fate> {
        self.receipt(id).map(|receipt| receipt.now())
    }

    /// Has the name up: see [`Connect`].
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
    /// use everwire::{Delivery, Event};
    /// use futures::StreamExt;
    ///
    /// // Its settings have `enabled = false`.
    /// let mut events = feed.subscribe(Delivery::default());
    /// feed.connect(None).await?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::Ready(stamp) = event {
    ///         println!("{} is up", stamp.name);
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
    /// [`Rejected`] when `data` is too long, too much of it waits, or the name was removed.
    pub async fn connect(&self, data: Option<Message>) -> Result<(), Rejected> {
        self.addr
            .send(Connect { data })
            .await
            .unwrap_or(Err(Rejected::Closed))
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
    /// use everwire::Rejected;
    ///
    /// feed.close(1000, "until tomorrow").await?;
    /// // It stays closed until somebody connects it.
    /// assert!(matches!(feed.send("hello"), Err(Rejected::Closed)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CloseError`]; nothing was closed then.
    pub async fn close(&self, code: u16, reason: impl Into<ByteString>) -> Result<(), CloseError> {
        let reason = reason.into();
        self.addr
            .send(CloseMyself { code, reason })
            .await
            .map_err(|_| Gone)??;
        Ok(())
    }

    /// Replaces the socket without a gap: see [`Rotate`].
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
    /// # use everwire::Event;
    /// # while let Some(event) = events.next().await {
    /// #     if matches!(event, Event::Ready(_)) {
    /// #         break;
    /// #     }
    /// # }
    /// feed.rotate().await?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::Rotated(stamp, rotated) = event {
    ///         println!("{}: {} serves now", stamp.name, rotated.peer);
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
    /// [`NotUp`] when no socket serves, or the name is gone.
    pub async fn rotate(&self) -> Result<(), NotUp> {
        self.addr.send(Rotate).await.unwrap_or(Err(NotUp))
    }

    /// Opens a socket of its own, made by the name's settings as they are now, beside the socket of the name: its URLs, that which the
    /// name uses first, headers, secrets, TLS, proxy, compression and limits, when the dial budget allows it, and in all within
    /// `connect_timeout`. Dropping the future ends the dial.
    ///
    /// All talking is the caller's: neither `on_open` nor a heartbeat's texts are sent, and messages are not told as events, but the beginning
    /// and the end of the session are ([`SessionOpened`](crate::Event::SessionOpened), [`SessionClosed`](crate::Event::SessionClosed)), and
    /// [`Status::sessions`] shows it. Pings go as the heartbeat has them. `rate`, `idle_timeout` and `rotate_after` are for the socket of the name. The session ends with the name:
    /// when that is closed by hand or removed, or gets other settings for its socket. A removal and
    /// a shutdown wait for its close, which takes `close_timeout` at most.
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
    /// # while let Some(event) = futures::StreamExt::next(&mut events).await {
    /// #     if matches!(event, everwire::Event::Ready(_)) {
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
    /// [`OpenSessionError`], when the name is not to be up, or the peer cannot be reached.
    pub async fn open_session(
        &self,
        settings: SessionSettings,
    ) -> Result<Session, OpenSessionError> {
        let asked = self.addr.send(OpenSession(settings)).await;
        let opening = asked.map_err(|_| OpenSessionError::Gone)??;
        opening.await.map_err(|_| OpenSessionError::Gone)?
    }

    /// What the name tells about itself.
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
    /// [`Gone`].
    pub async fn status(&self) -> Result<Status, Gone> {
        self.addr.send(Snapshot).await.map_err(|_| Gone)
    }

    /// The peer's last message before its last socket ended, where that one ended within five seconds after it was ready: some servers
    /// say only there why they close. Known until another socket has been ready for as long. What the peer was sent that is secret is
    /// taken out of it; the rest is the peer's own words, which no event and no status has.
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
    /// # use everwire::{Delivery, Event};
    /// # use futures::StreamExt;
    /// # let mut events = feed.subscribe(Delivery::default());
    /// # while let Some(event) = events.next().await {
    /// #     if matches!(event, Event::Closed(..)) {
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
    /// [`Gone`].
    pub async fn last_message(&self) -> Result<Option<LastMessage>, Gone> {
        self.addr.send(AskLastMessage).await.map_err(|_| Gone)
    }

    /// How many messages wait or are being written.
    pub(super) fn waiting(&self) -> usize {
        self.gate.with(|inside| inside.outbox.len())
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
    /// use everwire::{Delivery, Event};
    /// use futures::StreamExt;
    ///
    /// let mut events = feed.subscribe(Delivery::default());
    /// feed.send("hello")?;
    /// while let Some(event) = events.next().await {
    ///     if let Event::Message(_, message) = event {
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
