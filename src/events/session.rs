//! Reports of sessions: separate sockets that callers open beside that of the name.

use std::{borrow::Cow, net::SocketAddr, time::Duration};

use serde::{Serialize, Serializer};

use super::{json::kind_and_text, reports::Traffic, times::as_millis};
use crate::core::Cause;

/// See [`EventKind::SessionOpened`](crate::EventKind::SessionOpened).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionOpened {
    /// Counts the sessions of the name in this life of its actor, from 1.
    pub session: u64,
    /// The address that answered: the peer's, or its proxy's.
    pub peer: SocketAddr,
    /// The subprotocol that the peer chose.
    pub subprotocol: Option<String>,
    /// The client of the session, as its opener describes it. The raw bridge puts the client's
    /// address here.
    pub client: Option<String>,
}

/// See [`EventKind::SessionClosed`](crate::EventKind::SessionClosed).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionClosed {
    /// Its number, as in [`SessionOpened`].
    pub session: u64,
    /// Why it ended, or why it was not opened.
    #[serde(flatten, serialize_with = "session_end")]
    pub end: SessionEnd,
    /// The address that answered; `None` if the session was not opened.
    pub peer: Option<SocketAddr>,
    /// The client of the session.
    pub client: Option<String>,
    /// The time since the start of the dial.
    #[serde(rename = "lasted_ms", serialize_with = "as_millis")]
    pub lasted: Duration,
    /// Messages of the client that were encoded for the peer.
    pub sent: Traffic,
    /// Messages of the peer that were handed to the client.
    pub received: Traffic,
}

fn session_end<S: Serializer>(end: &SessionEnd, serializer: S) -> Result<S::Ok, S::Error> {
    kind_and_text(end.kind(), &end.text(), serializer)
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SessionEnd {
    /// The peer closed the socket, or it was lost, or could not be opened.
    Lost(Cause),
    /// The client closed it, or has gone.
    Closed,
    /// The name was closed by hand.
    ClosedByHand,
    /// The name was removed.
    Removed,
    /// Another node of a cluster holds the name now.
    Moved,
    /// The settings of the name have changed.
    Reconfigured,
    /// The manager shuts down.
    ShutDown,
}

impl SessionEnd {
    /// The stable name of this kind of end. For a loss it is the name of the [`Cause`].
    ///
    /// ```
    /// use everwire::events::SessionEnd;
    ///
    /// // A label of a counter, for example.
    /// assert_eq!(SessionEnd::ClosedByHand.kind(), "closed_by_hand");
    /// ```
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lost(cause) => cause.kind(),
            Self::Closed => "closed_by_client",
            Self::ClosedByHand => "closed_by_hand",
            Self::Removed => "removed",
            Self::Moved => "moved",
            Self::Reconfigured => "reconfigured",
            Self::ShutDown => "shutdown",
        }
    }

    /// One line for an operator.
    ///
    /// ```
    /// use everwire::{connection::session::Heard, events::SessionEnd};
    ///
    /// let heard = Heard::End(SessionEnd::ShutDown); // from `SessionReceiver::heard`
    /// if let Heard::End(end) = heard {
    ///     assert_eq!(end.text(), "the service shuts down");
    /// }
    /// ```
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Lost(cause) => cause.text(),
            Self::Closed => "closed as asked for".into(),
            Self::ClosedByHand => "the connection was closed by hand".into(),
            Self::Removed => "the connection was removed".into(),
            Self::Moved => "another node holds the connection now".into(),
            Self::Reconfigured => "the connection has other settings now".into(),
            Self::ShutDown => "the service shuts down".into(),
        }
    }
}
