//! Keys of pointers and of texts, prepared for comparison.

use super::scan::{Quoted, head};

/// A key of a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    key: Box<str>,
    head: u64,
    /// The array index that it names.
    index: Option<usize>,
}

/// A key of a text, without its escapes.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    text: &'a [u8],
    head: u64,
}

impl Step {
    pub(super) fn as_str(&self) -> &str {
        &self.key
    }

    /// The same, for comparison.
    pub(super) fn as_key(&self) -> Key<'_> {
        Key {
            text: self.key.as_bytes(),
            head: self.head,
        }
    }

    /// Its value as an array index.
    pub(super) fn index(&self) -> Option<usize> {
        self.index
    }

    /// Whether it is this key. Up to eight bytes are compared in one step.
    #[inline(always)]
    pub(super) fn is(&self, key: Key<'_>) -> bool {
        self.head == key.head
            && self.key.len() == key.text.len()
            && (key.text.len() <= 8 || self.key.as_bytes().get(8..) == key.text.get(8..))
    }
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self {
            key: key.into(),
            head: head(key.as_bytes()),
            index: index(key),
        }
    }
}

/// An array index (RFC 6901 §4): digits without a leading zero.
fn index(key: &str) -> Option<usize> {
    let digits = key.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (key == "0" || !key.starts_with('0'));
    key.parse().ok().filter(|_| canonical)
}

impl<'a> Key<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            head: head(text.as_bytes()),
        }
    }

    /// A scanned key without escapes.
    #[inline(always)]
    pub(super) fn scanned(text: &'a [u8], quoted: Quoted) -> Self {
        Self {
            text,
            head: quoted.head,
        }
    }

    /// A sort order for keys.
    pub(super) fn order(self) -> (u64, &'a [u8]) {
        (self.head, self.text)
    }

    /// Its first eight bytes, the first in the lowest, padded with zeros.
    #[inline(always)]
    pub(super) fn head(self) -> u64 {
        self.head
    }
}
