//! What is here when something happens.

use std::time::{Duration, Instant};

use crate::language::{BuiltIn, Moment, Random, Signer, Value, Variable};
use crate::settings::Backoff;

/// What is here when something happens: the time, chance, who signs, and what expressions may read besides.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The time.
    pub now: Instant,
    /// The time since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// Where random bytes come from.
    pub random: &'a dyn Random,
    /// Who hashes and signs.
    pub signer: &'a dyn Signer,
    /// The connection's name.
    pub name: &'a str,
    /// Whether this socket was dialled at a URL that the peer named.
    pub handover: bool,
    /// The last number of the message sequence.
    pub sequence: Option<u64>,
    /// The longest message, in bytes: neither a value nor what is sent is longer.
    pub max_message: usize,
    /// The files and stored secrets that were read for this dial.
    pub variables: &'a dyn Variables,
    /// After how long a step is repeated that does not say so itself: `reconnect.max`.
    pub slow: Duration,
    /// How long what has failed waits before it is tried again; `None`: as long as `slow` says.
    pub backoff: Option<&'a Backoff>,
}

impl Here<'_> {
    /// What a built-in name comes to that is the same wherever an expression stands. What only a message, an answer or a step has is
    /// absent here.
    pub(super) fn built_in(&self, name: BuiltIn) -> Value<'_> {
        match name {
            BuiltIn::Sequence => {
                let sequence = self.sequence;
                sequence.map_or_else(Value::absent, |number| Value::from(number).from_peer())
            }
            BuiltIn::Handover => self.handover.into(),
            BuiltIn::Name => Value::text(self.name),
            BuiltIn::Message
            | BuiltIn::Status
            | BuiltIn::Id
            | BuiltIn::OnId
            | BuiltIn::Key
            | BuiltIn::Item
            | BuiltIn::Items => Value::absent(),
        }
    }

    /// The moment.
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment {
            wall: self.wall,
            random: self.random,
        }
    }
}

/// The files and stored secrets of a dial.
pub trait Variables {
    /// The content of a file without the line end behind it, or a stored secret.
    fn get(&self, variable: Variable<'_>) -> Option<&str>;
}
