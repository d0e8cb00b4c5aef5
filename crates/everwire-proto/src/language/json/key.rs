//! Keys of objects, made ready for being compared.

use super::scan::{head, word};

/// A key without its escapes.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    text: &'a str,
    head: u64,
}

impl<'a> Key<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let from_end = || {
            let low_first = bytes.iter().rev();
            low_first.fold(0, |head, byte| (head << 8) | u64::from(*byte))
        };
        Self {
            text,
            head: word(bytes, 0).unwrap_or_else(from_end),
        }
    }

    /// A key that begins here in a longer text, of which eight bytes can be read at once.
    #[inline]
    pub(super) fn within(text: &'a str, bytes: &[u8], at: usize) -> Self {
        match word(bytes, at) {
            Some(word) => Self {
                text,
                head: head(word, text.len()),
            },
            None => Self::new(text),
        }
    }

    #[inline]
    pub(super) fn text(self) -> &'a str {
        self.text
    }

    /// Its first eight bytes, the first in the lowest; where it is shorter, zeros behind it.
    #[inline]
    pub(super) fn head(self) -> u64 {
        self.head
    }
}
