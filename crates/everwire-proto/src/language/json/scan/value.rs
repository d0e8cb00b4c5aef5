//! Finds the ends of values.

use super::Scan;

impl Scan<'_> {
    /// After one value that begins here with this byte, within `depth` open brackets.
    #[inline(always)]
    pub(in crate::language::json) fn value(
        self,
        first: u8,
        at: usize,
        depth: usize,
    ) -> Option<usize> {
        match first {
            b'"' => Some(self.string(at + 1)?.end),
            b'{' | b'[' => self.container(first, at + 1, depth),
            _ => self.plain_value(first, at),
        }
    }

    /// After a number, `true`, `false` or `null`.
    #[inline(always)]
    pub(super) fn plain_value(self, first: u8, at: usize) -> Option<usize> {
        match first {
            b'-' | b'0'..=b'9' => self.number(at),
            b't' => self.word(at, b"true"),
            b'f' => self.word(at, b"false"),
            b'n' => self.word(at, b"null"),
            _ => None,
        }
    }

    #[inline(always)]
    fn word<const N: usize>(self, at: usize, word: &[u8; N]) -> Option<usize> {
        (self.bytes().get(at..)?.first_chunk() == Some(word)).then_some(at + N)
    }
}
