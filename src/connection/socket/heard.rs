//! A conversation's verdict on a message.

use std::sync::Arc;

use everwire_proto::dialogue;

use crate::core::NumberPlace;

/// The verdict, and the place of the peer's own number if it was looked up on the way.
pub(super) type Listened = (Heard, Option<NumberPlace>);

/// A conversation's verdict on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is delivered normally, with the key of its subscription.
    Message(Option<Arc<str>>),
    /// It is delivered, and concerns only its own socket.
    Own(Option<Arc<str>>),
    /// Subscribers do not get it.
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
