//! From one socket to its successor: what came on both is delivered once.

mod alignment;
mod digest;
mod limits;
mod numbers;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::{
    alignment::Alignment,
    digest::{Digest, digest},
    numbers::{Numbers, Overlap},
};
use super::{Message, Sequence};
use crate::settings::SequenceSettings;

pub use self::{alignment::MAX_GREETING, limits::HoldLimits};

/// How many of the old socket's last messages are remembered.
pub const MAX_REMEMBERED: usize = 4096;

/// A rotation before the cut: the old socket serves, and what comes on its successor is held.
///
/// A peer that broadcasts sends each message on both sockets; others send each on one of them. Nobody says which it is, so
/// the messages must tell. All that subscribers would see is given to [`old`](Self::old) and [`hold`](Self::hold), from
/// *before* the successor is dialled: a peer may send on it before we know that it is open. Once the old socket has been
/// read to its end, the [`cut`](Self::cut) gives the [`DuplicateFilter`], which decides.
#[derive(Clone, Debug)]
pub struct OverlapRecorder {
    kept: Kept,
    held: Vec<Message>,
    bytes: usize,
    limits: HoldLimits,
}

/// What the messages are told apart by.
#[derive(Clone, Debug)]
enum Kept {
    Payloads {
        /// The last messages of the old socket.
        old: VecDeque<Digest>,
        /// Those that are held.
        held: Vec<Digest>,
    },
    Numbers(Box<Numbers>),
}

/// A rotation after the cut: takes what comes on the successor, and gives what is to be delivered.
///
/// **By payload.** If a run of the successor's messages is how the old socket's messages *end*, it came on both and is
/// dropped; of several such runs, the longest. It may begin behind up to [`MAX_GREETING`] other messages of the successor:
/// many peers greet, or answer a subscription, first. As long as the successor's last messages equal such a run that has
/// not come to the old one's end yet, the successor lags, and they are held; once none can come there any more, they are the
/// successor's own and are delivered in order.
/// - Where no message of the successor equals one of the old socket's, nothing is held and nothing dropped.
/// - Equal payloads are taken for the same message. If a peer does *not* broadcast, and the successor's first messages
///   happen to equal the old one's last, they are lost; if it does, and repeats itself at the seam, a repetition may be.
/// - Where a message in the midst of the run came on one of the sockets alone (an answer to what was sent on it), what
///   stands before it in the run is delivered twice.
///
/// **By sequence.** A message whose number the old socket has come to is dropped, until its stream has come past that
/// number, or has started over as [`Sequence`] says it; numbers that the old socket brought since the dial are never taken
/// for such a start. Nothing is held. Messages without a number are delivered.
#[derive(Clone, Debug)]
pub struct DuplicateFilter(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Payload(Alignment),
    Sequence(Overlap),
}

impl OverlapRecorder {
    /// Tells messages apart by their payload.
    pub fn by_payload(limits: HoldLimits) -> Self {
        let kept = Kept::Payloads {
            old: VecDeque::new(),
            held: Vec::new(),
        };
        Self::new(kept, limits)
    }

    /// Tells messages apart by the peer's own numbers; `marks` are those that the old socket has come to.
    pub fn by_sequence(settings: SequenceSettings, marks: Sequence, limits: HoldLimits) -> Self {
        Self::new(
            Kept::Numbers(Box::new(Numbers::new(settings, marks))),
            limits,
        )
    }

    fn new(kept: Kept, limits: HoldLimits) -> Self {
        Self {
            kept,
            held: Vec::new(),
            bytes: 0,
            limits,
        }
    }

    /// A message came on the old socket, and was delivered.
    pub fn old(&mut self, message: &Message) {
        match &mut self.kept {
            Kept::Numbers(numbers) => numbers.observe(message),
            Kept::Payloads { old, .. } => {
                if old.len() == MAX_REMEMBERED {
                    old.pop_front();
                }
                old.push_back(digest(message));
            }
        }
    }

    /// A message came on the successor. It is held even if that is one too many: see [`is_full`](Self::is_full).
    pub fn hold(&mut self, message: Message) {
        if let Kept::Payloads { held, .. } = &mut self.kept {
            held.push(digest(&message));
        }
        self.bytes += message.len();
        self.held.push(message);
    }

    /// Whether nothing came on the successor.
    pub fn holds_nothing(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether no more should be held: it is time for the cut, and until then the successor is not to be read.
    pub fn is_full(&self) -> bool {
        self.held.len() >= self.limits.messages || self.bytes >= self.limits.bytes
    }

    /// The old socket was read to its end, or is lost. Gives what can be delivered at once of what was held.
    pub fn cut(self) -> (DuplicateFilter, Vec<Message>) {
        let mut delivered = Vec::with_capacity(self.held.len());
        let rule = match self.kept {
            Kept::Payloads { old, held } => {
                let mut alignment = Alignment::new(old.into(), self.limits);
                for (message, digest) in self.held.into_iter().zip(held) {
                    alignment.take(message, digest, &mut delivered);
                }
                Rule::Payload(alignment)
            }
            Kept::Numbers(numbers) => {
                let mut overlap = numbers.into_overlap();
                for message in self.held {
                    overlap.take(message, &mut delivered);
                }
                Rule::Sequence(overlap)
            }
        };
        (DuplicateFilter(rule), delivered)
    }

    /// The successor is lost before the cut, and the old socket goes on serving. Gives those of the held messages that the
    /// old one has not brought so far. If it still does, they come twice, rather than not at all.
    pub fn abandon(self) -> Vec<Message> {
        match self.kept {
            Kept::Payloads { old, held } => {
                let messages = self.held.into_iter().zip(held);
                let own = messages.filter(|(_, digest)| !old.contains(digest));
                own.map(|(message, _)| message).collect()
            }
            Kept::Numbers(numbers) => {
                let mut overlap = numbers.into_overlap();
                let mut own = Vec::new();
                for message in self.held {
                    overlap.take(message, &mut own);
                }
                own
            }
        }
    }
}

impl DuplicateFilter {
    /// A message came on the successor. Gives what is to be delivered now: nothing, it alone, or it behind what was held.
    pub fn feed(&mut self, message: Message) -> Vec<Message> {
        let mut delivered = Vec::new();
        match &mut self.0 {
            Rule::Payload(alignment) => {
                let digest = digest(&message);
                alignment.take(message, digest, &mut delivered);
            }
            Rule::Sequence(overlap) => overlap.take(message, &mut delivered),
        }
        delivered
    }

    /// Whether nothing is held, and each further message will be delivered as it comes: the filter is no longer needed.
    pub fn is_resolved(&self) -> bool {
        match &self.0 {
            Rule::Payload(alignment) => alignment.is_resolved(),
            Rule::Sequence(overlap) => overlap.is_resolved(),
        }
    }

    /// Whether each message that was fed is delivered by now, or was delivered before.
    pub fn holds_nothing(&self) -> bool {
        match &self.0 {
            Rule::Payload(alignment) => alignment.holds_nothing(),
            Rule::Sequence(_) => true,
        }
    }

    /// The deadline has passed, or the successor is lost: nothing is held from now on.
    ///
    /// What is held equals the midst of the old one's messages, in their order: a successor that lags is far likelier than
    /// a peer that has sent the same again on another socket, so it is dropped, and so is what goes on with it. Gives what turns out to be
    /// the successor's own.
    pub fn trust(&mut self) -> Vec<Message> {
        let mut delivered = Vec::new();
        match &mut self.0 {
            Rule::Payload(alignment) => alignment.trust(&mut delivered),
            // Numbers need no trust: nothing is held for them.
            Rule::Sequence(_) => {}
        }
        delivered
    }

    /// How many of the successor's messages were dropped, because they had come on the old socket.
    pub fn doubles(&self) -> u64 {
        match &self.0 {
            Rule::Payload(alignment) => alignment.doubles(),
            Rule::Sequence(overlap) => overlap.doubles(),
        }
    }
}
