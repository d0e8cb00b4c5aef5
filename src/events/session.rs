//! What is told of sessions: the sockets that callers have for themselves, beside that of the name.

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
    /// Whose session it is, in the words of whoever opened it: of the raw bridge the client's address.
    pub client: Option<String>,
}

/// See [`EventKind::SessionClosed`](crate::EventKind::SessionClosed).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionClosed {
    /// Its number, as in [`SessionOpened`].
    pub session: u64,
    /// Why it ended. Of one that was not opened: why not.
    #[serde(flatten, serialize_with = "session_end")]
    pub end: SessionEnd,
    /// The address that answered; `None` if the session was not opened.
    pub peer: Option<SocketAddr>,
    /// Whose session it was.
    pub client: Option<String>,
    /// From the beginning of the dial on.
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
    /// The socket was closed by the peer, or lost, or could not be opened.
    Lost(Cause),
    /// It was closed as its sender asked for, or its sender has gone.
    Closed,
    /// The name was closed by hand.
    ClosedByHand,
    /// The name was removed.
    Removed,
    /// The name has other settings.
    Reconfigured,
    /// The manager shuts down.
    ShutDown,
}

impl SessionEnd {
    /// The stable name of this kind of end; of a loss that of its [`Cause`].
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
            Self::Reconfigured => "reconfigured",
            Self::ShutDown => "shutdown",
        }
    }

    /// What an operator reads, in one line.
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
            Self::Reconfigured => "the connection has other settings now".into(),
            Self::ShutDown => "the service shuts down".into(),
        }
    }
}
