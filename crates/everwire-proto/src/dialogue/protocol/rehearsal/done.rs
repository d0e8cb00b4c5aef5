//! What was done of what a protocol has asked for.

use std::time::Duration;

use crate::core::{Cause, Message};

/// What was done of what a protocol has asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Done {
    /// A message went out in its turn.
    Sent(Message),
    /// An answer went out, ahead of all that waited.
    Answered(Message),
    /// The name is ready.
    Ready,
    /// A ping of the heartbeat is to go out at once.
    Beats,
    /// The peer has named other times of the heartbeat, or of `idle_timeout`.
    Times {
        /// Between two pings.
        interval: Option<Duration>,
        /// From a ping to its answer.
        timeout: Option<Duration>,
        /// How long the peer may be silent.
        idle: Option<Duration>,
    },
    /// A successor is to be made ready.
    Rotates {
        /// The URL of its dial.
        url: Option<String>,
    },
    /// The next dial is at this URL.
    NextUrl(String),
    /// An error was told, and no socket is lost for it.
    Error(Cause),
    /// The close frame goes out.
    Closes,
    /// The socket is lost. The protocol was told of it, too.
    Lost(Cause),
    /// The name fails: there is no further attempt.
    Failed(Cause),
}
