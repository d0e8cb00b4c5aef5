//! Splits messages into records.

use bytes::Bytes;
use memchr::memmem::Finder;

use super::{decoding::Separator, payload::Payload};

/// How many empty records are skipped at a time.
const EMPTY: usize = 1024;

/// Up to this length in bytes a message shares its memory with its records: it was read at once,
/// and is shared with other messages of the read anyway.
const LENDS: usize = 64 << 10;

/// Splits messages at a separator.
#[derive(Debug)]
pub(super) struct Splitter {
    finder: Finder<'static>,
    /// The message that is being split, and the position in it. Only while something is left of it.
    rest: Option<(Payload, usize)>,
}

/// The next part of a message.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    Is(Payload),
    /// Some records were empty, and there is more.
    Skipped,
    /// Nothing is left.
    None,
}

impl Splitter {
    pub fn new(separator: &Separator) -> Self {
        Self {
            finder: Finder::new(separator.as_str()).into_owned(),
            rest: None,
        }
    }

    /// Sets the message whose records come next. The previous one is used up.
    pub fn push(&mut self, message: Payload) {
        self.rest = Some((message, 0));
    }

    /// Whether there may be a record.
    pub fn has_rest(&self) -> bool {
        self.rest.is_some()
    }

    /// The memory of the message, in bytes.
    pub fn held(&self) -> usize {
        self.rest.as_ref().map_or(0, |(message, _)| message.len())
    }

    /// The next record that is not empty.
    pub fn next(&mut self) -> Record {
        let Some((message, at)) = &mut self.rest else {
            return Record::None;
        };
        let bytes = message.as_bytes();
        for _ in 0..EMPTY {
            let (from, rest) = (*at, &bytes[*at..]);
            let Some(len) = self.finder.find(rest) else {
                let record = cut(message, from, bytes.len());
                self.rest = None;
                return record.map_or(Record::None, Record::Is);
            };
            *at += len + self.finder.needle().len();
            if len > 0 {
                let record = cut(message, from, from + len);
                if *at == bytes.len() {
                    self.rest = None;
                }
                return record.map_or(Record::Skipped, Record::Is);
            }
        }
        Record::Skipped
    }
}

/// The record at this place, if it is not empty. It is copied if it would keep much more memory
/// alive.
fn cut(message: &Payload, from: usize, to: usize) -> Option<Payload> {
    let len = to - from;
    if len == 0 {
        return None;
    }
    let lends = message.len() <= LENDS || len >= message.len() / 2;
    Some(match message {
        // A separator is UTF-8, and so is a part of a text between two of them.
        Payload::Text(text) if lends => Payload::Text(text.slice_ref(&text[from..to])),
        Payload::Text(text) => Payload::Text((&text[from..to]).into()),
        Payload::Binary(bytes) if lends => Payload::Binary(bytes.slice(from..to)),
        Payload::Binary(bytes) => Payload::Binary(Bytes::copy_from_slice(&bytes[from..to])),
    })
}
