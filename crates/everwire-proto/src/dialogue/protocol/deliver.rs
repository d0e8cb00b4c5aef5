//! What becomes of a message.

use crate::dialogue::reply::Heard;

/// What becomes of a message that a [`Protocol`](super::Protocol) has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deliver {
    /// Subscribers see it, and the history has it.
    #[default]
    Yes,
    /// The same; it concerns this socket alone, as the answer to a login does: on the second socket of a rotation it is no duplicate of
    /// what the first one brings.
    Own,
    /// Nobody sees it, and it has no number. It counts for `idle_timeout` and for the peer's own numbers.
    No,
    /// It answers a ping of the heartbeat. Whether subscribers see it the settings of the heartbeat say.
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
