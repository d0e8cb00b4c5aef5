//! The kinds of events: what each reports, and its name.

use serde::Serialize;

use super::{
    json,
    reports::{
        Applied, Connecting, Dropped, ErrorReport, Failed, Gap, Opened, Retrying, Rotated, Sent,
        SubscriptionReport,
    },
    session::{SessionClosed, SessionOpened},
};
use crate::core::{ClosedReport, Message};

/// What happened to a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum EventKind {
    /// A dial begins.
    Connecting(Connecting),
    /// A socket is up.
    Opened(Box<Opened>),
    /// The opening messages are out: the name takes part in the conversation.
    #[serde(serialize_with = "json::ready")]
    Ready,
    /// A message came in.
    #[serde(serialize_with = "json::message")]
    Message(Message),
    /// A message on its way out has met a fate: `written`, or one that is final. Only for subscribers that ask for it.
    Sent(Sent),
    /// Something of what the peer said was not heard, or came twice.
    #[serde(serialize_with = "json::sorted")]
    Gap(Box<Gap>),
    /// A socket ended, or the name was closed by hand.
    Closed(Box<ClosedReport>),
    /// Something went wrong.
    Error(Box<ErrorReport>),
    /// The next dial is set.
    Retrying(Box<Retrying>),
    /// No further attempt is made.
    Failed(Box<Failed>),
    /// Accepted messages were dropped before they were written, or written again.
    Dropped(Dropped),
    /// Another socket serves, made ready before the old one was let go.
    #[serde(serialize_with = "json::sorted")]
    Rotated(Box<Rotated>),
    /// New settings are in force.
    Applied(Applied),
    /// The name is gone.
    #[serde(serialize_with = "json::nothing")]
    Removed,
    /// A caller has a socket of its own: see [`Handle::open_session`](crate::Handle::open_session). Its messages are told to it alone.
    #[serde(serialize_with = "json::sorted")]
    SessionOpened(Box<SessionOpened>),
    /// A caller's own socket ended, or could not be opened.
    SessionClosed(Box<SessionClosed>),
    /// A subscription stands somewhere else on the socket that serves.
    Subscription(Box<SubscriptionReport>),
}

/// The names of all kinds, by their numbers.
pub(crate) const KIND_NAMES: &[&str] = NAMES;

/// Gives each kind its name and its number, and notices theirs behind them.
macro_rules! kind_names {
    ({ $($variant:ident $(($report:pat))? = $name:literal,)+ } notices: $($notice:literal),+) => {
        const NAMES: &[&str] = &[$($name,)+ $($notice),+];

        #[derive(Clone, Copy)]
        enum Number {
            $($variant,)+
        }

        impl EventKind {
            /// Its place among the names of all kinds.
            #[inline]
            pub(crate) fn number(&self) -> u8 {
                match self {
                    $(Self::$variant $(($report))? => Number::$variant as u8,)+
                }
            }
        }
    };
}

kind_names! {
    {
    Connecting(_) = "connecting",
    Opened(_) = "opened",
    Ready = "ready",
    Message(_) = "message",
    Sent(_) = "sent",
    Gap(_) = "gap",
    Closed(_) = "closed",
    Error(_) = "error",
    Retrying(_) = "retrying",
    Failed(_) = "failed",
    Dropped(_) = "dropped",
    Rotated(_) = "rotated",
    Applied(_) = "applied",
    Removed = "removed",
    SessionOpened(_) = "session_opened",
    SessionClosed(_) = "session_closed",
    Subscription(_) = "subscription",
    }
    notices: "lagged", "stalled"
}

impl EventKind {
    /// The number of [`EventKind::Sent`].
    pub(crate) const SENT: u8 = Number::Sent as u8;

    /// The `type` of the JSON form.
    ///
    /// ```
    /// use everwire::{EventKind, hub::Kinds};
    ///
    /// // Read from an event: `event.kind`.
    /// let kind = EventKind::Ready;
    /// assert_eq!(kind.as_str(), "ready");
    /// assert!(Kinds::default().has(kind.as_str()));
    /// ```
    pub fn as_str(&self) -> &'static str {
        KIND_NAMES[usize::from(self.number())]
    }

    /// The payload bytes that the event carries: what a subscriber's queue is bounded by, besides the number of events.
    #[inline]
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            _ => 0,
        }
    }
}
