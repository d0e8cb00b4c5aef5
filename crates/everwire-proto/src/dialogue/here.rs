//! The environment of an event.

use std::time::{Duration, Instant};

use crate::language::{BuiltIn, Moment, Random, Signer, Value, Variable};
use crate::settings::Backoff;

/// The environment of an event: the time, randomness, the signer, and what expressions may read.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The time.
    pub now: Instant,
    /// The time since 1970-01-01T00:00:00Z.
    pub wall: Duration,
    /// The source of random bytes.
    pub random: &'a dyn Random,
    /// Hashes and signs.
    pub signer: &'a dyn Signer,
    /// The connection's name.
    pub name: &'a str,
    /// Whether this socket was dialled at a URL that the peer has named.
    pub handover: bool,
    /// The last number of the message sequence.
    pub sequence: Option<u64>,
    /// The longest message in bytes: the limit of values and of sent messages.
    pub max_message: usize,
    /// The files and stored secrets of this dial.
    pub variables: &'a dyn Variables,
    /// The default delay before a step is repeated: `reconnect.max`.
    pub slow: Duration,
    /// The delays before retries; `None`: `slow`.
    pub backoff: Option<&'a Backoff>,
}

impl Here<'_> {
    /// The value of a built-in name that is the same for all expressions. Names that depend on a
    /// message, an answer or a step are absent here.
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
    /// The content of a file without trailing line ends, or a stored secret.
    fn get(&self, variable: Variable<'_>) -> Option<&str>;
}
