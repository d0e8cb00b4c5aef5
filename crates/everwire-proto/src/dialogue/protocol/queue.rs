//! The messages that a protocol sends in turn, before the outbox.

use std::{collections::VecDeque, fmt};

use crate::core::Message;

/// The most waiting messages and turns of a protocol.
pub const MAX_QUEUED: usize = 1_024;

/// A turn of a protocol, numbered by its author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TurnId(pub u32);

/// A queue entry.
pub(super) enum Queued {
    Message(Message),
    /// A message that is created when its turn has come.
    Turn(TurnId),
    /// After earlier messages the name is ready.
    Ready,
    /// After earlier messages the close frame may be sent.
    Close,
}

/// The waiting entries, and the current one.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Queued>,
    /// The bytes of the waiting messages.
    bytes: usize,
    on_its_way: OnItsWay,
}

/// The state of the current entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OnItsWay {
    /// There is none, or the kernel has it.
    #[default]
    Nothing,
    /// Its turn was requested, and has not come.
    Asked,
    /// Its turn has come, and its message is being created.
    Composed(TurnId),
    /// It is encoded, and the kernel does not have it yet.
    Made(Option<TurnId>),
}

/// The next action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Request a turn.
    Turn,
    Ready,
    Close,
}

/// What is written in this turn.
pub(super) enum Composed {
    Message(Message),
    /// A message that the protocol creates.
    Turn(TurnId),
}

/// Too much waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Queue {
    /// Appends an entry. `max`: how many bytes may wait; one message always may.
    pub fn push(&mut self, queued: Queued, max: usize) -> Result<(), TooMuch> {
        let len = length(&queued);
        let bytes = self.bytes.saturating_add(len);
        if self.waiting.len() >= MAX_QUEUED || (bytes > max && len < bytes) {
            return Err(TooMuch);
        }
        self.bytes = bytes;
        self.waiting.push_back(queued);
        Ok(())
    }

    /// The next action, unless one is under way.
    pub fn next(&mut self) -> Option<Next> {
        if self.on_its_way != OnItsWay::Nothing {
            return None;
        }
        let next = match self.waiting.front()? {
            Queued::Message(_) | Queued::Turn(_) => {
                self.on_its_way = OnItsWay::Asked;
                return Some(Next::Turn);
            }
            Queued::Ready => Next::Ready,
            Queued::Close => Next::Close,
        };
        self.waiting.pop_front();
        Some(next)
    }

    /// The requested turn has come.
    pub fn compose(&mut self) -> Option<Composed> {
        match self.on_its_way {
            OnItsWay::Asked => {}
            OnItsWay::Composed(turn) => return Some(Composed::Turn(turn)),
            OnItsWay::Nothing | OnItsWay::Made(_) => return None,
        }
        let queued = self.waiting.pop_front()?;
        self.bytes -= length(&queued);
        match queued {
            Queued::Message(message) => {
                self.on_its_way = OnItsWay::Made(None);
                Some(Composed::Message(message))
            }
            Queued::Turn(turn) => {
                self.on_its_way = OnItsWay::Composed(turn);
                Some(Composed::Turn(turn))
            }
            // They request no turn.
            Queued::Ready | Queued::Close => None,
        }
    }

    /// The message of the turn was created.
    pub fn made(&mut self, turn: TurnId) {
        self.on_its_way = OnItsWay::Made(Some(turn));
    }

    /// The current entry is dropped.
    pub fn forget(&mut self) {
        self.on_its_way = OnItsWay::Nothing;
    }

    /// The kernel has the current entry: returns its turn.
    pub fn written(&mut self) -> Option<TurnId> {
        let OnItsWay::Made(turn) = self.on_its_way else {
            return None;
        };
        self.on_its_way = OnItsWay::Nothing;
        turn
    }
}

fn length(queued: &Queued) -> usize {
    match queued {
        Queued::Message(message) => message.len(),
        Queued::Turn(_) | Queued::Ready | Queued::Close => 0,
    }
}

impl fmt::Debug for Queue {
    /// Waiting messages may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wait, {:?}", self.waiting.len(), self.on_its_way)
    }
}
