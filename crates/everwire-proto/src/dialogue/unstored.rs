//! Answers that wait until the messages that they answer are stored.

use std::{collections::VecDeque, fmt};

use crate::core::{Cursor, Message};

/// Where a message lies that is to be stored: behind `after`, and not behind `through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySpan {
    /// It lies behind this one.
    pub after: Cursor,
    /// It lies at this one, or before it.
    pub through: Cursor,
}

/// How far the store has the messages of a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// It has what was kept up to this place.
    pub through: Cursor,
    /// Up to this place messages went that it never had.
    pub lost_through: Cursor,
}

/// The answers of a socket that wait until their messages are stored, in order. There is no memory while there are none.
#[derive(Default)]
pub(super) struct Unstored {
    /// The place is `None` as long as the message is not delivered.
    waiting: VecDeque<(Option<HistorySpan>, Message)>,
    /// Of those that wait.
    bytes: usize,
}

/// What has become of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Settled {
    /// Its message is stored.
    Stored(Message),
    /// Its message will never be: it went before the store could take it.
    Lost,
}

impl Unstored {
    /// An answer to a message that is not delivered yet.
    pub fn push(&mut self, answer: Message) {
        self.bytes = self.bytes.saturating_add(answer.len());
        self.waiting.push_back((None, answer));
    }

    /// Whether a message is answered of which it is not known where it lies.
    pub fn wants_place(&self) -> bool {
        self.waiting
            .back()
            .is_some_and(|(place, _)| place.is_none())
    }

    /// All messages that are answered so far lie here.
    pub fn placed(&mut self, place: HistorySpan) {
        let unplaced = self.waiting.iter_mut().rev();
        for (known, _) in unplaced.take_while(|(known, _)| known.is_none()) {
            *known = Some(place);
        }
    }

    /// The first that the store decides, if it is the next.
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

    /// Lets go of those behind the first so many; whether there were any.
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

    /// How many bytes those have.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl fmt::Debug for Unstored {
    /// Secrets may stand in what waits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers wait for the store", self.waiting.len())
    }
}
