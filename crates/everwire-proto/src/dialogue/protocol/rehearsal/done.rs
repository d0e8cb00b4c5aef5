//! The actions of a protocol, as a rehearsal performed them.

use std::time::Duration;

use crate::core::{Cause, Message};

/// An action of a protocol, as a rehearsal performed it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Done {
    /// A message was sent in its turn.
    Sent(Message),
    /// An answer was sent, before all waiting messages.
    Answered(Message),
    /// The name is ready.
    Ready,
    /// A ping of the heartbeat is sent at once.
    Beats,
    /// The peer has named other times for the heartbeat, or for `idle_timeout`.
    Times {
        /// The time between two pings.
        interval: Option<Duration>,
        /// The time limit from a ping to its answer.
        timeout: Option<Duration>,
        /// How long the peer may be silent.
        idle: Option<Duration>,
    },
    /// A successor is made ready.
    Rotates {
        /// The URL of its dial.
        url: Option<String>,
    },
    /// The next dial uses this URL.
    NextUrl(String),
    /// An error was published, without losing the socket.
    Error(Cause),
    /// The close frame is sent.
    Closes,
    /// The socket is lost. The protocol was told, too.
    Lost(Cause),
    /// The name fails: there are no more attempts.
    Failed(Cause),
}
