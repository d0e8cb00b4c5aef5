//! Keys of objects, made ready for being compared.

use super::scan::{Quoted, head};

/// A key without its escapes.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    text: &'a [u8],
    head: u64,
}

impl<'a> Key<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            head: head(text.as_bytes()),
        }
    }

    /// A key that was scanned and has no escapes.
    #[inline(always)]
    pub(super) fn scanned(text: &'a [u8], quoted: Quoted) -> Self {
        Self {
            text,
            head: quoted.head,
        }
    }

    #[inline(always)]
    pub(super) fn text(self) -> &'a [u8] {
        self.text
    }

    /// Its first eight bytes, the first in the lowest; where it is shorter, zeros behind it.
    #[inline(always)]
    pub(super) fn head(self) -> u64 {
        self.head
    }
}
