//! What happens with a message.

use crate::dialogue::reply::Heard;

/// What happens with a message that a [`Protocol`](super::Protocol) has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deliver {
    /// Subscribers get it, and the history keeps it.
    #[default]
    Yes,
    /// The same, but it concerns only this socket, like the answer to a login: in a rotation it is
    /// not a duplicate of a message on the other socket.
    Own,
    /// Subscribers do not get it, and it has no number. It counts for `idle_timeout` and for the
    /// peer's own numbers.
    No,
    /// It answers a ping of the heartbeat, whose settings decide whether subscribers get it.
    Pong,
}

impl From<Deliver> for Heard {
    fn from(deliver: Deliver) -> Self {
        match deliver {
            Deliver::Yes => Self::MESSAGE,
            Deliver::Own => Self {
                is_own: true,
                ..Self::MESSAGE
            },
            Deliver::No => Self {
                deliver: false,
                ..Self::MESSAGE
            },
            Deliver::Pong => Self::PONG,
        }
    }
}

impl From<Heard> for Deliver {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard { is_pong: true, .. } => Self::Pong,
            Heard { deliver: false, .. } => Self::No,
            Heard { is_own: true, .. } => Self::Own,
            Heard { .. } => Self::Yes,
        }
    }
}
