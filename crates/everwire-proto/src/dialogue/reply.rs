//! What a conversation wants done, and what becomes of messages.

use super::{Answered, Call, Happening};
use crate::{
    core::{Cause, Message},
    language::SignatureRequest,
};

/// What a conversation wants done, in the order in which it is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A step is to be sent: when its turn to be written has come, [`compose`](super::Conversation::compose) makes its message.
    ///
    /// The step may have [rates](crate::settings::dialogue::ScriptStep::rate) of its own to wait for.
    Compose,
    /// The message of a step whose turn has come before is to be made now: it waits for no rate again.
    ComposeNow,
    /// Signatures of a step's message are to be made on another thread, since that takes long. Then
    /// [`signed`](super::Conversation::signed) is told, if the socket is the same.
    Sign(Vec<SignatureRequest>),
    /// This is to be called. Then [`answered`](super::Conversation::answered) is told, if the socket is the same: always, since a call ends
    /// within its time.
    Call(Box<Call>),
    /// An answer of a rule: ahead of all that waits, and never held back by a rate.
    Answer(Message),
    /// The script has passed.
    Passed,
    /// The close script is over, whether it has passed or not: the close frame may go out.
    MayClose,
    /// The interval or the timeout of the heartbeat, or `idle_timeout`, has another value.
    Times,
    /// A ping is to be sent at once.
    Beat,
    /// A successor is to be made ready, and then takes the place of this socket.
    Rotate {
        /// The URL of that dial, and of that one only.
        url: Option<String>,
    },
    /// The next dial, and that one only, is at this URL. It stands ahead of the [`Lose`](Self::Lose) that makes the dial necessary.
    NextUrl(String),
    /// What a shared `prepare` has captured is not taken any more: the next dial asks for it anew. It stands ahead of the
    /// [`Lose`](Self::Lose) of the step that has failed.
    Stale,
    /// The socket is to be closed, and is lost for this cause. Nothing follows for this socket.
    Lose(Cause),
    /// A request was answered.
    Answered(Box<Answered>),
    /// Something went wrong, and no socket is lost for it.
    Error(Cause),
    /// Nothing is to be done: it is told to whoever [watches](super::Conversation::watch).
    Happened(Box<Happening>),
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whether subscribers see it. For the answer to a ping the settings of the heartbeat say so.
    pub deliver: bool,
    /// Whether it answers a ping. Nothing else here looks at it then.
    pub is_pong: bool,
    /// Whether a step has decided by it: then it concerns this socket alone, and no other socket brings the same.
    pub is_own: bool,
}

impl Heard {
    /// A message as any other.
    pub(super) const MESSAGE: Self = Self {
        deliver: true,
        is_pong: false,
        is_own: false,
    };

    /// The answer to a ping.
    pub(super) const PONG: Self = Self {
        deliver: false,
        is_pong: true,
        is_own: false,
    };
}

/// The text of a ping whose turn to be written has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ping {
    /// It is no template: the plain text of the settings.
    Plain,
    /// This text.
    Text(String),
    /// Its template cannot be filled: nothing is sent, and the socket is lost for it.
    Unfilled,
}
