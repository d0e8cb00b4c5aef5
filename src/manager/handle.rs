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
    pub fn name(&self) -> &ConnectionName {
        &self.name
    }

    /// The actor's address. Should the actor die, which only a bug can bring about, the manager starts another, and
    /// [`Manager::find`](crate::Manager::find) gives its address; [`send`](Self::send) works on.
    pub fn addr(&self) -> &Addr<Connection> {
        &self.addr
    }

    /// Accepts a message: in call order, from any thread, without waiting. It goes out when the socket is up.
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
    pub fn epoch(&self) -> u32 {
        self.gate.epoch()
    }

    /// Whether the name is durable and waits for a store that [cannot be opened yet](crate::Manager::store_outage): what earlier processes
    /// have accepted is not known, and nothing is accepted.
    pub fn waits_for_store(&self) -> bool {
        self.gate.is_held()
    }

    /// The receipt of a message that was accepted earlier, by its [`epoch`](Receipt::epoch) and id. Any later epoch will do in which ids
    /// went on counting, as that of the `sent` event. `None`: no such message is known, perhaps any more.
    pub fn receipt_in(&self, epoch: u32, id: u64) -> Option<Receipt> {
        self.gate.receipt_in(epoch, id)
    }

    /// The receipt of a message that was accepted earlier, by its id; `None` if the id was never given out.
    pub fn receipt(&self, id: u64) -> Option<Receipt> {
        self.gate.receipt(id)
    }

    /// What has become of a message that was accepted earlier, by its id; `None` if the id was never given out.
    pub fn fate(&self, id: u64) -> Option<Fate> {
        self.receipt(id).map(|receipt| receipt.now())
    }

    /// Has the name up: see [`Connect`].
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
    pub fn subscribe(&self, delivery: Delivery) -> Events {
        self.hub.stream(Pattern::exactly(&self.name), delivery)
    }
}
