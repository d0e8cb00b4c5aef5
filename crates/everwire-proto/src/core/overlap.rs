//! From one socket to its successor: messages that came on both are delivered once.

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

/// A rotation before the cut: the old socket is in use, and messages of its successor are held.
///
/// A peer that broadcasts sends each message on both sockets; other peers send each on one of them.
/// Nobody says which kind it is, so the messages themselves must decide. Everything that
/// subscribers would get is given to [`old`](Self::old) and [`hold`](Self::hold), from *before* the
/// successor is dialled, since a peer may send on it before we know that it is open. Once the old
/// socket was read to its end, the [`cut`](Self::cut) returns the [`DuplicateFilter`], which
/// decides.
#[derive(Clone, Debug)]
pub struct OverlapRecorder {
    kept: Kept,
    held: Vec<Message>,
    bytes: usize,
    limits: HoldLimits,
}

/// How messages are compared.
#[derive(Clone, Debug)]
enum Kept {
    Payloads {
        /// The last messages of the old socket.
        old: VecDeque<Digest>,
        /// The held messages.
        held: Vec<Digest>,
    },
    Numbers(Box<Numbers>),
}

/// A rotation after the cut: takes messages of the successor, and returns those to deliver.
///
/// **By payload.** If a run of the successor's messages equals the *end* of the old socket's
/// messages, it came on both and is dropped; of several such runs, the longest. It may begin after
/// up to [`MAX_GREETING`] other messages of the successor, since many peers first greet, or answer
/// a subscription. While the successor's last messages equal a run that has not reached the old
/// socket's end yet, the successor lags, and they are held. Once no run can reach the end any more,
/// they are the successor's own and are delivered in order.
/// - If no message of the successor equals one of the old socket's, nothing is held and nothing
///   dropped.
/// - Equal payloads count as the same message. If a peer does *not* broadcast, and the successor's
///   first messages happen to equal the old one's last, they are lost. If it does broadcast, and
///   repeats itself at the cut, a repetition may be lost.
/// - If a message in the middle of the run came on one of the sockets only (an answer to something
///   sent on it), the part of the run before it is delivered twice.
///
/// **By sequence.** A message is dropped if the old socket has reached its number, until its stream
/// has passed that number, or has started over as [`Sequence`] defines it. Numbers that the old
/// socket brought since the dial never count as such a start. Nothing is held. Messages without a
/// number are delivered.
#[derive(Clone, Debug)]
pub struct DuplicateFilter(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Payload(Alignment),
    Sequence(Overlap),
}

impl OverlapRecorder {
    /// Compares messages by their payload.
    pub fn by_payload(limits: HoldLimits) -> Self {
        let kept = Kept::Payloads {
            old: VecDeque::new(),
            held: Vec::new(),
        };
        Self::new(kept, limits)
    }

    /// Compares messages by the peer's own numbers; `marks` are those that the old socket has
    /// reached.
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

    /// A message came on the successor. It is held even if that is one too many: see
    /// [`is_full`](Self::is_full).
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

    /// Whether no more should be held: it is time for the cut, and until then the successor must
    /// not be read.
    pub fn is_full(&self) -> bool {
        self.held.len() >= self.limits.messages || self.bytes >= self.limits.bytes
    }

    /// The old socket was read to its end, or is lost. Returns the held messages that can be
    /// delivered at once.
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

    /// The successor is lost before the cut, and the old socket stays in use. Returns the held
    /// messages that the old one has not brought so far. If it still does, they come twice, rather
    /// than not at all.
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
    /// A message came on the successor. Returns what to deliver now: nothing, the message, or held
    /// messages and then the message.
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

    /// Whether nothing is held, and all further messages will be delivered at once: the filter is
    /// not needed any more.
    pub fn is_resolved(&self) -> bool {
        match &self.0 {
            Rule::Payload(alignment) => alignment.is_resolved(),
            Rule::Sequence(overlap) => overlap.is_resolved(),
        }
    }

    /// Whether each message so far was delivered, now or before.
    pub fn holds_nothing(&self) -> bool {
        match &self.0 {
            Rule::Payload(alignment) => alignment.holds_nothing(),
            Rule::Sequence(_) => true,
        }
    }

    /// The deadline has passed, or the successor is lost: nothing is held from now on.
    ///
    /// Held messages equal the middle of the old socket's messages, in order. A lagging successor
    /// is far more likely than a peer that has sent the same again on another socket. Therefore
    /// they are dropped, together with those that continue the run. Returns the messages that are
    /// the successor's own.
    pub fn trust(&mut self) -> Vec<Message> {
        let mut delivered = Vec::new();
        match &mut self.0 {
            Rule::Payload(alignment) => alignment.trust(&mut delivered),
            // By sequence, nothing is held.
            Rule::Sequence(_) => {}
        }
        delivered
    }

    /// How many of the successor's messages were dropped as duplicates.
    pub fn doubles(&self) -> u64 {
        match &self.0 {
            Rule::Payload(alignment) => alignment.doubles(),
            Rule::Sequence(overlap) => overlap.doubles(),
        }
    }
}
