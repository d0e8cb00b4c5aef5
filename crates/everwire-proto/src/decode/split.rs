//! Messages that are several.

use bytes::Bytes;
use memchr::memmem::Finder;

use super::{decoding::Separator, payload::Payload};

/// So many empty records are passed over at a time.
const EMPTY: usize = 1024;

/// Up to this length a message lends its memory to its records, in bytes: as much is read at once, and shared by all that came with it.
const LENDS: usize = 64 << 10;

/// Cuts messages where a separator stands.
#[derive(Debug)]
pub(super) struct Splitter {
    finder: Finder<'static>,
    /// The message that is being cut, and how far it is. Only while something is left of it.
    rest: Option<(Payload, usize)>,
}

/// What a message gives next.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    Is(Payload),
    /// Some were empty, and there is more.
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

    /// The message whose records come next. Nothing is left of the one before.
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

/// The record that stands there, if it is not empty. It has memory of its own where it would keep much more alive than it is.
fn cut(message: &Payload, from: usize, to: usize) -> Option<Payload> {
    let len = to - from;
    if len == 0 {
        return None;
    }
    let lends = message.len() <= LENDS || len >= message.len() / 2;
    Some(match message {
        // A separator is UTF-8, and so is what stands between two of them in a text.
        Payload::Text(text) if lends => Payload::Text(text.slice_ref(&text[from..to])),
        Payload::Text(text) => Payload::Text((&text[from..to]).into()),
        Payload::Binary(bytes) if lends => Payload::Binary(bytes.slice(from..to)),
        Payload::Binary(bytes) => Payload::Binary(Bytes::copy_from_slice(&bytes[from..to])),
    })
}
