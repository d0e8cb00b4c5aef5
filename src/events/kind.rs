//! The kinds of events, each declared once: its variant, its name, and what it reports.

use serde::Serialize;

use super::{
    json,
    reports::{
        Applied, Connecting, Dropped, ErrorReport, Failed, Gap, Opened, Retrying, Rotated, Sent,
    },
    session::{SessionClosed, SessionOpened},
};
use crate::core::{ClosedReport, Message};

/// Declares what can happen: the variants of [`EventKind`], their names and numbers, and behind them those of notices.
macro_rules! event_kinds {
    (
        $(
            $(#[doc = $doc:literal])+
            $(#[serde($serde:meta)])?
            $variant:ident $(($report:ty))? = $name:literal,
        )+
        notices: $($notice:literal),+
    ) => {
        /// What happened to a name.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[doc = $doc])+ $(#[serde($serde)])? $variant $(($report))?,)+
        }

        /// The names of all kinds, by their numbers.
        pub(crate) const KIND_NAMES: &[&str] = &[$($name,)+ $($notice),+];

        /// The numbers of kinds.
        #[allow(dead_code, reason = "each kind has one, and not each is asked for by name")]
        #[derive(Clone, Copy)]
        enum Number {
            $($variant,)+
        }

        impl EventKind {
            /// Its place among the names of all kinds.
            #[inline]
            pub(crate) fn number(&self) -> u8 {
                match self {
                    $(event_kinds!(@pattern $variant $(, $report)?) => Number::$variant as u8,)+
                }
            }
        }
    };
    (@pattern $variant:ident) => { Self::$variant };
    (@pattern $variant:ident, $report:ty) => { Self::$variant(_) };
}

event_kinds! {
    /// A dial begins.
    Connecting(Connecting) = "connecting",
    /// A socket is up.
    Opened(Box<Opened>) = "opened",
    /// The opening messages are out: the name takes part in the conversation.
    #[serde(serialize_with = "json::ready")]
    Ready = "ready",
    /// A message came in.
    #[serde(serialize_with = "json::message")]
    Message(Message) = "message",
    /// A message on its way out has met a fate: `written`, or one that is final. Only for subscribers that ask for it.
    Sent(Sent) = "sent",
    /// Something of what the peer said was not heard, or came twice.
    #[serde(serialize_with = "json::sorted")]
    Gap(Box<Gap>) = "gap",
    /// A socket ended, or the name was closed by hand.
    Closed(Box<ClosedReport>) = "closed",
    /// Something went wrong.
    Error(Box<ErrorReport>) = "error",
    /// The next dial is set.
    Retrying(Box<Retrying>) = "retrying",
    /// No further attempt is made.
    Failed(Box<Failed>) = "failed",
    /// Accepted messages were dropped before they were written, or written again.
    Dropped(Dropped) = "dropped",
    /// Another socket serves, made ready before the old one was let go.
    #[serde(serialize_with = "json::sorted")]
    Rotated(Box<Rotated>) = "rotated",
    /// New settings are in force.
    Applied(Applied) = "applied",
    /// The name is gone.
    #[serde(serialize_with = "json::nothing")]
    Removed = "removed",
    /// A caller has a socket of its own: see [`Handle::open_session`](crate::Handle::open_session). Its messages are told to it alone.
    #[serde(serialize_with = "json::sorted")]
    SessionOpened(Box<SessionOpened>) = "session_opened",
    /// A caller's own socket ended, or could not be opened.
    SessionClosed(Box<SessionClosed>) = "session_closed",
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
