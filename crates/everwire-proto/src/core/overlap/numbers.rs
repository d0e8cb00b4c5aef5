//! Finds the successor's messages whose numbers the old socket has reached.

use std::collections::HashMap;

use crate::{
    core::{
        Message, Sequence,
        sequence::{MAX_STREAMS, starts_over},
    },
    settings::SequenceSettings,
};

/// The numbers of the old socket.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    settings: SequenceSettings,
    marks: Sequence,
    /// The first number of each stream since the successor's dial began.
    first: HashMap<Box<str>, u64>,
}

/// The streams in which the successor has not passed the old socket.
#[derive(Clone, Debug)]
pub(super) struct Overlap {
    settings: SequenceSettings,
    streams: HashMap<Box<str>, Brought>,
    doubles: u64,
}

/// The old socket's numbers of a stream.
#[derive(Clone, Copy, Debug)]
struct Brought {
    /// The first number since the successor's dial began; if there is none, the last one.
    first: u64,
    last: u64,
}

impl Numbers {
    pub fn new(settings: SequenceSettings, marks: Sequence) -> Self {
        Self {
            settings,
            marks,
            first: HashMap::new(),
        }
    }

    /// A message came on the old socket.
    pub fn observe(&mut self, message: &Message) {
        let Some((stream, number)) = self.settings.number_of(message) else {
            return;
        };
        self.marks.observe(&stream, number);
        if self.first.len() < MAX_STREAMS && !self.first.contains_key(&*stream) {
            self.first.insert(stream.into(), number);
        }
    }

    /// The old socket has ended.
    pub fn into_overlap(self) -> Overlap {
        let brought = |(stream, last): (&str, u64)| {
            let first = self.first.get(stream).copied().unwrap_or(last);
            (stream.into(), Brought { first, last })
        };
        Overlap {
            streams: self.marks.marks().map(brought).collect(),
            settings: self.settings,
            doubles: 0,
        }
    }
}

impl Overlap {
    /// Takes the successor's next message, and delivers it if the old socket has not brought it.
    pub fn take(&mut self, message: Message, delivered: &mut Vec<Message>) {
        if self.is_double(&message) {
            self.doubles += 1;
        } else {
            delivered.push(message);
        }
    }

    pub fn is_resolved(&self) -> bool {
        self.streams.is_empty()
    }

    pub fn doubles(&self) -> u64 {
        self.doubles
    }

    fn is_double(&mut self, message: &Message) -> bool {
        if self.is_resolved() {
            return false;
        }
        let Some((stream, number)) = self.settings.number_of(message) else {
            return false;
        };
        let Some(Brought { first, last }) = self.streams.get(&*stream).copied() else {
            return false;
        };
        let is_double = number <= last && (number >= first || !starts_over(number, last));
        if !is_double {
            // The stream has passed its mark, or counts from the beginning again.
            self.streams.remove(&*stream);
        }
        is_double
    }
}
