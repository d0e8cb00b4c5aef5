//! The kinds of events, their reports and their names.

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
    /// The opening messages were sent, so the name takes part in the conversation.
    #[serde(serialize_with = "json::ready")]
    Ready,
    /// A message came in.
    #[serde(serialize_with = "json::message")]
    Message(Message),
    /// An outgoing message has reached a fate: `written`, or a final one. Only for subscribers that
    /// ask for it.
    Sent(Sent),
    /// Messages of the peer were missed, or came twice.
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
    /// A new socket is in use. It was ready before the old one was closed.
    #[serde(serialize_with = "json::sorted")]
    Rotated(Box<Rotated>),
    /// New settings are in force.
    Applied(Applied),
    /// The name is gone.
    #[serde(serialize_with = "json::nothing")]
    Removed,
    /// A caller has opened a separate socket: see
    /// [`Handle::open_session`](crate::Handle::open_session). Its messages go only to that caller.
    #[serde(serialize_with = "json::sorted")]
    SessionOpened(Box<SessionOpened>),
    /// A caller's own socket ended, or could not be opened.
    SessionClosed(Box<SessionClosed>),
    /// The state of a subscription has changed on the current socket.
    Subscription(Box<SubscriptionReport>),
}

/// The names of all kinds, by their numbers.
pub(crate) const KIND_NAMES: &[&str] = NAMES;

/// Gives each kind a name and a number. Notices come after the events.
macro_rules! kind_names {
    ({ $($variant:ident $(($report:pat))? = $name:literal,)+ } notices: $($notice:literal),+) => {
        const NAMES: &[&str] = &[$($name,)+ $($notice),+];

        #[derive(Clone, Copy)]
        enum Number {
            $($variant,)+
        }

        impl EventKind {
            /// Its index in the names of all kinds.
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

    /// The payload bytes of the event. A subscriber's queue is bounded by these and by the number
    /// of events.
    #[inline]
    pub(crate) fn payload_len(&self) -> usize {
        match self {
            Self::Message(message) => message.len(),
            _ => 0,
        }
    }
}
