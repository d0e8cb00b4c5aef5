//! Sessions: separate sockets that callers open with a name's settings, beside the socket of the
//! name.
//!
//! Only the name's actor starts a session, and ends it together with the name: when that is closed
//! by hand or removed, when the manager shuts down, or when settings change that a socket depends
//! on. In between the session is a task of its own on the name's arbiter. Its messages pass neither
//! through the name's outbox nor through its events.

mod notifier;
pub(super) mod open;
mod pings;
mod pipe;
mod upstream;

use std::{net::SocketAddr, task::Poll};

use futures::future::poll_fn;

use self::pipe::{Input, Next, Output};
use crate::{
    connection::{StateCause, state::sessions::BROKEN},
    core::{Cause, Message, TooLarge},
    wire::CloseFrame,
};
pub use crate::{
    connection::{
        state::sessions::MAX_SESSIONS,
        status::session::{SessionState, SessionStatus},
    },
    events::SessionEnd,
};

/// The options of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionSettings {
    /// The offered subprotocols, best first, in place of those of the name. The peer may choose
    /// none.
    pub subprotocols: Vec<String>,
    /// The client of the session, for the status and the events.
    pub client: Option<String>,
}

impl SessionSettings {
    /// A session that offers these subprotocols.
    pub fn with_subprotocols(subprotocols: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            subprotocols: subprotocols.into_iter().map(Into::into).collect(),
            client: None,
        }
    }

    /// Sets the client.
    #[must_use]
    pub fn client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }
}

/// A socket that is up, opened by [`Handle::open_session`](crate::Handle::open_session). Dropping it closes the socket with 1001.
#[derive(Debug)]
pub struct Session {
    subprotocol: Option<String>,
    peer: SocketAddr,
    sender: SessionSender,
    receiver: SessionReceiver,
}

/// The sending half of a session. Dropping it without [`close`](Self::close) discards unwritten
/// messages, and closes with 1001.
#[derive(Debug)]
pub struct SessionSender {
    input: Input<CloseFrame>,
    max_message: usize,
}

/// The receiving half of a session. Dropping it ends the session.
#[derive(Debug)]
pub struct SessionReceiver(Output<SessionEnd>);

/// What a session receives.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Heard {
    /// A message of the peer.
    Message(Message),
    /// Nothing more comes.
    End(SessionEnd),
}

/// Why a message was not taken by a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The session has ended; the receiver says how.
    #[error("the session has ended")]
    Ended,
    /// The message is longer than `max_message`.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// Why a session was not opened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenSessionError {
    /// The name is gone, or being removed.
    #[error("the connection is gone")]
    Gone,
    /// The name was closed by hand.
    #[error("the connection is closed by hand")]
    Closed,
    /// The name is not enabled, and was not connected by hand.
    #[error("the connection is idle: it is not enabled, and nobody has connected it")]
    Idle,
    /// The name has given up.
    #[error("the connection has failed{}", cause_text(.0))]
    Failed(Option<Box<StateCause>>),
    /// The manager shuts down.
    #[error("the service shuts down")]
    ShutDown,
    /// The name got other settings while the dial was under way.
    #[error("the settings of the connection changed: try again")]
    Reconfigured,
    /// There are [`MAX_SESSIONS`] already.
    #[error("the connection has {MAX_SESSIONS} sessions already, and no more are allowed")]
    TooMany,
    /// The dial budget let no dial begin within `connect_timeout`.
    #[error("the dial did not have its turn within connect_timeout: other dials wait ahead of it")]
    NoTurn,
    /// The dials failed; this is the last one's cause.
    #[error("the upstream cannot be reached: {}", .0.text())]
    Unreachable(Box<Cause>),
}

fn cause_text(cause: &Option<Box<StateCause>>) -> String {
    let cause = cause.as_ref();
    cause.map_or_else(String::new, |cause| format!(": {}", cause.reason.text()))
}

impl Session {
    /// The subprotocol that the peer chose.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// The address that answered: the peer's, or its proxy's.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Both halves, for two tasks.
    pub fn split(self) -> (SessionSender, SessionReceiver) {
        (self.sender, self.receiver)
    }
}

impl SessionSender {
    /// Sends a message, after those before it. Waits while 256 messages or 256 KiB are waiting, so
    /// a peer that reads slowly slows its sender down.
    ///
    /// # Errors
    ///
    /// [`SendError`]; the message is not sent then.
    pub async fn send(&self, message: Message) -> Result<(), SendError> {
        let (len, limit) = (message.len(), self.max_message);
        if len > limit {
            return Err(TooLarge { len, limit }.into());
        }
        let room = poll_fn(|cx| self.input.poll_room(cx)).await;
        room.map_err(|_| SendError::Ended)?;
        self.input.push(message);
        Ok(())
    }

    /// Closes the socket with this frame, after the waiting messages; that takes at most
    /// `close_timeout`.
    pub fn close(self, frame: CloseFrame) {
        self.input.end(frame);
    }

    /// Waits for the end of the session.
    pub async fn ended(&self) {
        self.input.unread().await;
    }
}

impl SessionReceiver {
    /// The next message, or the end. While nobody asks, the peer is slowed down once 256 messages
    /// or 256 KiB wait.
    pub fn poll_heard(&mut self, cx: &mut std::task::Context<'_>) -> Poll<Heard> {
        self.0.poll_next(cx).map(|next| match next {
            Next::Message(message) => Heard::Message(message),
            Next::End(end) => Heard::End(end),
            // The session's task reports every kind of end that it knows.
            Next::Broken => Heard::End(SessionEnd::Lost(Cause::Panic(BROKEN.to_owned()))),
        })
    }

    /// The next message, or the end.
    pub async fn heard(&mut self) -> Heard {
        poll_fn(|cx| self.poll_heard(cx)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_whose_task_is_gone_says_that_it_was_lost() {
        let (input, output) = pipe::pipe::<SessionEnd>(&crate::memory::MemoryBudget::unlimited());
        drop(input);
        let end = SessionReceiver(output).heard().await;
        let Heard::End(SessionEnd::Lost(cause)) = end else {
            panic!("{end:?}");
        };
        assert_eq!((cause.kind(), &*cause.text()), ("panic", BROKEN));
    }
}
