//! Answers that wait until their messages are stored.

use std::{collections::VecDeque, fmt};

use crate::core::{Cursor, Message};

/// The place of a message that will be stored: after `after`, up to `through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySpan {
    /// The position before it.
    pub after: Cursor,
    /// Its position, or a later one.
    pub through: Cursor,
}

/// How far the store has the messages of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// It has all kept messages up to here.
    pub through: Cursor,
    /// Messages up to here were dropped before they were stored.
    pub lost_through: Cursor,
}

/// The answers of a socket that wait until their messages are stored, in order. Needs no memory
/// while empty.
#[derive(Default)]
pub(super) struct Unstored {
    /// The place is `None` until the message is delivered.
    waiting: VecDeque<(Option<HistorySpan>, Message)>,
    /// The bytes of the waiting ones.
    bytes: usize,
}

/// The result for an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Settled {
    /// Its message is stored.
    Stored(Message),
    /// Its message will never be stored: it was dropped before.
    Lost,
}

impl Unstored {
    /// Adds an answer to a message that is not delivered yet.
    pub fn push(&mut self, answer: Message) {
        self.bytes = self.bytes.saturating_add(answer.len());
        self.waiting.push_back((None, answer));
    }

    /// Whether an answered message has no place yet.
    pub fn wants_place(&self) -> bool {
        self.waiting
            .back()
            .is_some_and(|(place, _)| place.is_none())
    }

    /// All messages answered so far are here.
    pub fn placed(&mut self, place: HistorySpan) {
        let unplaced = self.waiting.iter_mut().rev();
        for (known, _) in unplaced.take_while(|(known, _)| known.is_none()) {
            *known = Some(place);
        }
    }

    /// Takes the first answer, if the store decides it.
    pub fn settle(&mut self, stored: Stored) -> Option<Settled> {
        let (place, _) = self.waiting.front()?;
        let place = (*place)?;
        if place.through > stored.through {
            return None;
        }
        let (_, answer) = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(answer.len());
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(match place.after < stored.lost_through {
            true => Settled::Lost,
            false => Settled::Stored(answer),
        })
    }

    /// Drops all after the first `len`; `true` if there were any.
    pub fn truncate(&mut self, len: usize) -> bool {
        let is_longer = self.waiting.len() > len;
        let gone = self
            .waiting
            .iter()
            .skip(len)
            .map(|(_, answer)| answer.len());
        self.bytes = self.bytes.saturating_sub(gone.sum());
        self.waiting.truncate(len);
        is_longer
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The bytes of the waiting ones.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for Unstored {
    /// Waiting answers may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers wait for the store", self.waiting.len())
    }
}
