//! What becomes of a message at which a conversation has looked.

use everwire_proto::dialogue;

/// What becomes of a message at which a conversation has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is delivered as any other.
    Message,
    /// It is delivered, and concerns its socket alone.
    Own,
    /// Subscribers do not see it.
    Hidden,
}

impl From<dialogue::Heard> for Heard {
    fn from(heard: dialogue::Heard) -> Self {
        match heard {
            heard if !heard.deliver => Self::Hidden,
            heard if heard.is_own => Self::Own,
            _ => Self::Message,
        }
    }
}
