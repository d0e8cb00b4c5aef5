//! The actions of a conversation, and its verdicts on messages.

use std::sync::Arc;

use super::{Answered, Call, Happening, SubscriptionChange};
use crate::{
    core::{Cause, Message},
    language::SignatureRequest,
};

/// An action of a conversation; actions are performed in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A step is due: when its turn to be written has come,
    /// [`compose`](super::Conversation::compose) creates its message.
    ///
    /// The step may have [rates](crate::settings::dialogue::ScriptStep::rate) of its own to wait
    /// for.
    Compose,
    /// Create the message of a step whose turn has come already: it does not wait for a rate again.
    ComposeNow,
    /// Subscription messages are due: when their turn to be written has come,
    /// [`compose_subscription`](super::Conversation::compose_subscription) creates the next one.
    /// This reply comes once for all of them. They come after steps and other messages before the
    /// outbox.
    ///
    /// They may have [rates](super::Conversation::subscription_rates) of their own to wait for.
    Subscribe,
    /// Make the signatures of a step's message on another thread, since that is slow. Then call
    /// [`signed`](super::Conversation::signed), if the socket is the same.
    Sign(Vec<SignatureRequest>),
    /// Make this call. Then call [`answered`](super::Conversation::answered), if the socket is the
    /// same. That happens in any case, since a call ends within its time limit.
    Call(Box<Call>),
    /// Send an answer of a rule: before all waiting messages, and without a rate limit.
    Answer(Message),
    /// The script has passed.
    Passed,
    /// The close script is over, whether it has passed or not: the close frame may be sent.
    MayClose,
    /// The interval or the timeout of the heartbeat, or `idle_timeout`, has changed.
    Times,
    /// Send a ping at once.
    Beat,
    /// Make a successor ready, which then replaces this socket.
    Rotate {
        /// The URL of that dial, and only of that one.
        url: Option<String>,
    },
    /// The next dial, and only that one, uses this URL. It comes before the [`Lose`](Self::Lose)
    /// that leads to the dial.
    NextUrl(String),
    /// The captures of a shared `prepare` are not accepted any more: the next dial asks for them
    /// again. It comes before the [`Lose`](Self::Lose) of the failed step.
    Stale,
    /// Close the socket, which is lost for this cause. Nothing follows for this socket.
    Lose(Cause),
    /// A request was answered.
    Answered(Box<Answered>),
    /// The state of a subscription has changed.
    Subscription(Box<SubscriptionChange>),
    /// An error without the loss of a socket.
    Error(Cause),
    /// No action: a report for a [watcher](super::Conversation::watch).
    Happened(Box<Happening>),
}

/// The verdict on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whether subscribers get it. For the answer to a ping the settings of the heartbeat decide
    /// that.
    pub deliver: bool,
    /// Whether it answers a ping. It is then not used for anything else.
    pub is_pong: bool,
    /// Whether a step was decided by it: then it concerns only this socket, and no other socket
    /// brings the same.
    pub is_own: bool,
    /// Its subscription, if the settings say how to find it.
    pub subscription: Option<Arc<str>>,
}

impl Heard {
    /// A normal message.
    pub(super) const MESSAGE: Self = Self {
        deliver: true,
        is_pong: false,
        is_own: false,
        subscription: None,
    };

    /// The answer to a ping.
    pub(super) const PONG: Self = Self {
        deliver: false,
        is_pong: true,
        is_own: false,
        subscription: None,
    };
}

/// The text of a ping whose turn to be written has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ping {
    /// The plain text of the settings: there is no template.
    Plain,
    /// This text.
    Text(String),
    /// Its template cannot be rendered: nothing is sent, and the socket is lost.
    Unfilled,
}
