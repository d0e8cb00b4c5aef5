//! A text by bytes and tokens.

use super::word;

/// A text to be read.
#[derive(Clone, Copy)]
pub(in crate::language::json) struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    #[inline]
    pub(in crate::language::json) fn new(text: &'a str) -> Self {
        Self(text)
    }

    #[inline]
    pub(in crate::language::json) fn bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// The byte here; `None` at the end.
    #[inline(always)]
    pub(in crate::language::json) fn byte(self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }

    /// The text of this range.
    #[inline]
    pub(in crate::language::json) fn text(self, from: usize, to: usize) -> Option<&'a str> {
        self.0.get(from..to)
    }

    /// The first byte of the next token after white space, and its place; `None` at the end.
    #[inline(always)]
    pub(in crate::language::json) fn token(self, at: usize) -> Option<(u8, usize)> {
        let byte = self.byte(at)?;
        if byte > b' ' {
            return Some((byte, at));
        }
        let at = self.behind_space(at);
        Some((self.byte(at)?, at))
    }

    /// After the white space that begins here.
    #[inline(never)]
    fn behind_space(self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.byte(at) {
            at += 1;
            // Indented texts have many of them.
            while self.byte(at) == Some(b' ') {
                at += word::word(self.bytes(), at).map_or(1, word::spaces);
            }
        }
        at
    }

    /// Whether only white space follows.
    pub(in crate::language::json) fn is_over(self, at: usize) -> bool {
        self.token(at).is_none()
    }
}
