//! The messages of a name's address.

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

/// The name is to be up.
///
/// Where it is down it dials now, a backoff notwithstanding. `data` is sent once the socket is open, and again after each
/// reconnect; while the socket is up it is sent at once. New data replaces the old, `None` keeps it; a close by hand
/// forgets it.
#[derive(Clone, Debug, Default, actix::Message)]
#[rtype(result = "Result<(), Rejected>")]
pub struct Connect {
    /// What to send when the socket opens.
    pub data: Option<Message>,
}

/// A message is to be sent. Answered at once with a [`Receipt`]; it waits while the socket is down.
///
/// A file that also needs the trait of that name, in a bound or a `dyn` type, imports the message under another one:
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

/// The name is to be closed, and to stay so until [`Connect`].
///
/// New messages are refused from now on, those that wait go out and the close script is said within `close_timeout`, then the closing
/// handshake follows. It wins over whatever is under way: a dial, a backoff, a loss.
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

    /// Whether it can be sent.
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

/// An actor is to hear this name's events, from now until it stops.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct Subscribe {
    pub(super) mailbox: Box<dyn Mailbox>,
    /// How much may wait for it.
    pub delivery: Delivery,
}

impl Subscribe {
    /// For an actor that handles [`Batch`](crate::Batch) or [`Update`](crate::Update), given by its `Addr` or as a `Recipient`, with the
    /// default [`Delivery`].
    pub fn new<M: Delivered>(subscriber: impl Subscriber<M>) -> Self {
        Self {
            mailbox: mailbox(subscriber),
            delivery: Delivery::default(),
        }
    }
}

/// A message is to be sent whose answer comes back; see [`Request`]. It brings its caller along, who is told once: what the actor says to
/// this message itself would wake the caller once more.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Ask(Option<(Request, Caller)>);

impl Ask {
    /// A request, and where its answer will come.
    pub fn new(request: Request) -> (Self, PendingAnswer) {
        let (caller, pending) = oneshot::channel();
        (Self(Some((request, caller))), pending)
    }

    /// The actor has it now, and answers.
    pub(super) fn take(mut self) -> Option<(Request, Caller)> {
        self.0.take()
    }
}

impl Drop for Ask {
    /// No actor has taken it.
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

/// The socket is to be replaced by another one, without a gap: the successor is made ready while the old socket serves.
/// `docs/delivery.md` says what that means for messages. Told by [`EventKind::Rotated`](crate::EventKind::Rotated).
#[derive(Clone, Copy, Debug, Default, actix::Message)]
#[rtype(result = "Result<(), NotOpen>")]
pub struct Rotate;

/// New settings. What the socket depends on (URL, headers, subprotocols, compression, TLS, limits) [rotates](Rotate) it; all else
/// applies to the socket that is up.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Applied")]
pub struct Configure(pub Box<ConnectionSettings>);

/// The machine or the thread stood still: whether the peer is still there is to be found out at once.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct PingNow;

/// The store, which this name waits for, could not be opened again.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct StoreOutage(pub Outage);

/// The store, which could not be opened when the name was, is open. What it has is in the name's outbox already.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct StoreIsOpen {
    /// The name's epoch from now on.
    pub epoch: u32,
    /// Whether an earlier process was told to close the name by hand.
    pub is_closed: bool,
}

/// The name has this epoch from now on.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct BeginEpoch(pub u32);

/// Asks what the peer said last before a socket ended.
#[derive(Clone, Copy, Debug, actix::Message)]
#[rtype(result = "Option<LastMessage>")]
pub(crate) struct AskLastMessage;

/// Somebody watches the conversation of the name; answers whether it has one.
#[derive(Debug, actix::Message)]
#[rtype(result = "bool")]
pub(crate) struct WatchConversation(pub Watcher);

/// An expression is tried on the last message; answers what it comes to.
#[derive(Clone, Debug, actix::Message)]
#[rtype(result = "Result<String, Vec<LanguageError>>")]
pub(crate) struct Evaluate(pub Box<str>);

/// Closes for a shutdown, and says when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Drain(pub oneshot::Sender<()>);

/// Closes and forgets the name, and says when that is done.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Remove(pub oneshot::Sender<()>);

/// A session is to be opened.
#[derive(actix::Message)]
#[rtype(result = "Result<Opening, OpenSessionError>")]
pub(crate) struct OpenSession(pub SessionSettings);

/// A session that is being opened. Dropping it ends that.
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
