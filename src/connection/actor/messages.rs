//! The messages that a name's address accepts.

use actix::MailboxError;
use bytestring::ByteString;
use everwire_proto::language::LanguageError;
use tokio::sync::oneshot;

use crate::{
    connection::{
        ConnectionGone, LastMessage, NotOpen, OpenSessionError, Receipt, Request, Session,
        SessionSettings, Status,
        state::requests::{Caller, PendingAnswer},
        status::watch::Watcher,
    },
    core::{Message, Rejected},
    events::Applied,
    hub::{Delivered, Delivery, Mailbox, Subscriber, mailbox},
    persistence::Outage,
    settings::ConnectionSettings,
    wire::{MAX_REASON, code, is_sendable},
};

/// Brings the name up.
///
/// If it is down it dials now, even during a backoff. `data` is sent once the socket is open, and
/// again after each reconnect; if the socket is up it is sent at once. New data replaces the old,
/// and `None` keeps it. A close by hand forgets it.
#[derive(Clone, Debug, Default, actix::Message)]
#[rtype(result = "Result<(), Rejected>")]
pub struct Connect {
    /// The message to send when the socket opens.
    pub data: Option<Message>,
}

/// Sends a message. The answer is a [`Receipt`], at once; the message waits while the socket is
/// down.
///
/// A file that also needs std's trait `Send`, in a bound or a `dyn` type, imports the message under
/// another name:
///
/// ```
/// use everwire::Send as SendMessage;
///
/// fn hello() -> Result<SendMessage, Box<dyn std::error::Error + Send>> {
///     Ok(SendMessage::text("hello"))
/// }
/// # assert!(hello().is_ok());
/// ```
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<Receipt, Rejected>")]
pub struct Send(pub Message);

impl Send {
    /// A text message.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self(Message::text(text))
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<bytes::Bytes>) -> Self {
        Self(Message::binary(bytes))
    }
}

/// Closes the name. It stays closed until [`Connect`].
///
/// New messages are refused from now on. Waiting messages and the close script are sent within
/// `close_timeout`, then the closing handshake follows. This overrides whatever is under way: a
/// dial, a backoff, a loss.
#[derive(Clone, Debug, PartialEq, Eq, actix::Message)]
#[rtype(result = "Result<(), InvalidClose>")]
pub struct CloseMyself {
    /// The close code (RFC 6455 §7.4).
    pub code: u16,
    /// The reason, at most 123 bytes.
    pub reason: ByteString,
}

impl CloseMyself {
    /// Code 1000, without a reason.
    pub fn normal() -> Self {
        Self {
            code: code::NORMAL,
            reason: ByteString::new(),
        }
    }

    /// Checks that the code and the reason can be sent.
    ///
    /// # Errors
    ///
    /// [`InvalidClose`].
    pub fn check(&self) -> Result<(), InvalidClose> {
        if !is_sendable(self.code) {
            return Err(InvalidClose::Code(self.code));
        }
        if self.reason.len() > MAX_REASON {
            return Err(InvalidClose::Reason(self.reason.len()));
        }
        Ok(())
    }
}

/// A close that cannot be sent; nothing was closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClose {
    /// The code must not stand in a close frame.
    #[error("close code {0} cannot be sent; use 1000-1003, 1007-1014 or 3000-4999")]
    Code(u16),
    /// The reason is too long for a control frame.
    #[error("the reason has {0} bytes, at most {MAX_REASON} are allowed")]
    Reason(usize),
}

/// Subscribes an actor to this name's events until the actor stops.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    pub(super) mailbox: Box<dyn Mailbox>,
    /// How much may wait for the actor.
    pub delivery: Delivery,
}

impl Subscribe {
    /// For an actor that handles [`Batch`](crate::Batch) or [`Update`](crate::Update), given by its
    /// `Addr` or as a `Recipient`. Uses the default [`Delivery`].
    pub fn new<M: Delivered>(subscriber: impl Subscriber<M>) -> Self {
        Self {
            mailbox: mailbox(subscriber),
            delivery: Delivery::default(),
        }
    }
}

/// Sends a message whose answer is awaited; see [`Request`]. It contains the channel to the caller,
/// so that the caller is woken only once: an answer of the actor to this message would wake it,
/// too.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Ask(Option<(Request, Caller)>);

impl Ask {
    /// A request, and the receiver for its answer.
    pub fn new(request: Request) -> (Self, PendingAnswer) {
        let (caller, pending) = oneshot::channel();
        (Self(Some((request, caller))), pending)
    }

    /// Takes the request out. The actor then has to answer.
    pub(super) fn take(mut self) -> Option<(Request, Caller)> {
        self.0.take()
    }
}

impl Drop for Ask {
    /// Answers the caller if no actor has taken the request.
    fn drop(&mut self) {
        if let Some((_, caller)) = self.0.take() {
            let gone = ConnectionGone::of_mailbox(MailboxError::Closed);
            let _nobody = caller.send(Err(gone.into()));
        }
    }
}

/// Asks for the [`Status`].
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "Status")]
pub struct Snapshot;

/// Replaces the socket without a gap: the successor is made ready while the old socket stays in
/// use. `docs/delivery.md` says what that means for messages.
/// [`EventKind::Rotated`](crate::EventKind::Rotated) reports it.
#[derive(Clone, Copy, Debug, Default, actix::Message)]
#[rtype(result = "Result<(), NotOpen>")]
pub struct Rotate;

/// Sets new settings. A change of the URL, headers, subprotocols, compression, TLS or limits
/// [rotates](Rotate) the socket; everything else applies to the current one.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Applied")]
pub struct Configure(pub Box<ConnectionSettings>);

/// The machine or the thread stood still: ping at once to find out whether the peer is still there.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct PingNow;

/// The store that this name waits for could not be opened again.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct StoreOutage(pub Outage);

/// The store that this name waited for is open. The stored messages are in the outbox already.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct StoreIsOpen {
    /// The name's epoch from now on.
    pub epoch: u32,
    /// Whether the name was closed by hand in an earlier process.
    pub is_closed: bool,
}

/// The name has this epoch from now on.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct BeginEpoch(pub u32);

/// Asks for the peer's last message before a socket ended.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "Option<LastMessage>")]
pub(crate) struct AskLastMessage;

/// Adds a watcher of the name's conversation; the reply says whether there is a conversation.
#[derive(Debug, actix::Message)]
#[rtype(result = "bool")]
pub(crate) struct WatchConversation(pub Watcher);

/// Evaluates an expression on the last message.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<String, Vec<LanguageError>>")]
pub(crate) struct Evaluate(pub Box<str>);

/// Closes the socket for a shutdown, and reports when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Drain(pub oneshot::Sender<()>);

/// Closes and forgets the name, and reports when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Remove(pub oneshot::Sender<()>);

/// Resets the sockets of the name and forgets it, and reports when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Abandon(pub oneshot::Sender<()>);

/// Opens a session.
#[derive(actix::Message)]
#[rtype(result = "Result<Opening, OpenSessionError>")]
pub(crate) struct OpenSession(pub SessionSettings);

/// A session that is being opened. Dropping it cancels that.
pub(crate) type Opening = oneshot::Receiver<Result<Session, OpenSessionError>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::RequestError;

    #[test]
    fn a_request_that_no_actor_takes_has_an_answer() {
        let (ask, mut pending) = Ask::new(Request::new("{}"));
        assert!(pending.try_recv().is_err());
        drop(ask);
        let answer = pending.try_recv();
        assert!(matches!(answer, Ok(Err(RequestError::Gone(_)))));
    }

    #[test]
    fn a_request_that_an_actor_takes_is_answered_by_that() {
        let (ask, mut pending) = Ask::new(Request::new("{}"));
        let (request, caller) = ask.take().unwrap();
        assert_eq!(request, Request::new("{}"));
        caller.send(Ok("answer".into())).unwrap();
        assert_eq!(pending.try_recv().unwrap(), Ok("answer".into()));
    }
}
