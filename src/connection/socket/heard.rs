//! What becomes of a message at which a conversation has looked.

use std::sync::Arc;

use everwire_proto::dialogue;

use crate::core::NumberPlace;

/// What becomes of a message, and where the peer's own number stands in it, if it was read for that.
pub(super) type Listened = (Heard, Option<NumberPlace>);

/// What becomes of a message at which a conversation has looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is delivered as any other; with the key of the subscription that it belongs to.
    Message(Option<Arc<str>>),
    /// It is delivered, and concerns its socket alone.
    Own(Option<Arc<str>>),
    /// Subscribers do not see it.
    Hidden,
}

impl From<dialogue::Heard> for Heard {
    fn from(heard: dialogue::Heard) -> Self {
        match heard {
            heard if !heard.deliver => Self::Hidden,
            heard if heard.is_own => Self::Own(heard.subscription),
            heard => Self::Message(heard.subscription),
        }
    }
}
