//! What a protocol sends in turn: one message after the other, ahead of the outbox.

use std::{collections::VecDeque, fmt};

use crate::core::Message;

/// The most messages and turns of a protocol that wait.
pub const MAX_QUEUED: usize = 1_024;

/// Which turn of a protocol: its author numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TurnId(pub u32);

/// What waits for its turn.
pub(super) enum Queued {
    Message(Message),
    /// A message that is made when its turn has come.
    Turn(TurnId),
    /// Behind what was sent before it the name is ready.
    Ready,
    /// Behind what was sent before it the close frame may go out.
    Close,
}

/// What waits, and what is on its way.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Queued>,
    /// Of the messages that wait.
    bytes: usize,
    on_its_way: OnItsWay,
}

/// What has become of the first that was to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OnItsWay {
    /// Nothing is to be written, or what was is with the kernel.
    #[default]
    Nothing,
    /// Its turn was asked for: until it comes.
    Asked,
    /// Its turn has come, and its message is being made.
    Composed(TurnId),
    /// It is encoded: until the kernel has it.
    Made(Option<TurnId>),
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A turn is to be asked for.
    Turn,
    Ready,
    Close,
}

/// What is to be written in this turn.
pub(super) enum Composed {
    Message(Message),
    /// The protocol makes it.
    Turn(TurnId),
}

/// As much waits as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Queue {
    /// Behind all that waits. `max`: what may wait, in bytes; one message always may.
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

    /// What is to be done next, if nothing is on its way.
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

    /// The turn has come that was asked for.
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
            // They ask for no turn.
            Queued::Ready | Queued::Close => None,
        }
    }

    /// The message of the turn is made.
    pub fn made(&mut self, turn: TurnId) {
        self.on_its_way = OnItsWay::Made(Some(turn));
    }

    /// Nothing is on its way any more.
    pub fn forget(&mut self) {
        self.on_its_way = OnItsWay::Nothing;
    }

    /// The kernel has what was on its way: the turn that it was of.
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
    /// Secrets may stand in what waits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} wait, {:?}", self.waiting.len(), self.on_its_way)
    }
}
