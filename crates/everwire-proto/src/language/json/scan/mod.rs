//! Where the values of a JSON text end, found in one pass from left to right, without recursion.
//!
//! Each function takes the place in the text at which it begins, and answers the place behind what it has read; `None` if that is no
//! JSON. What they have read is JSON by all rules.

mod brackets;
mod container;
mod number;
mod string;
mod word;

pub use self::brackets::MAX_DEPTH;
pub(super) use self::{string::Quoted, word::of as head};

/// A text to be read.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    #[inline]
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    #[inline]
    pub(super) fn bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// The byte here; `None` behind the end.
    #[inline(always)]
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }

    /// The text from here to there.
    #[inline]
    pub(super) fn text(self, from: usize, to: usize) -> Option<&'a str> {
        self.0.get(from..to)
    }

    /// What the next token begins with, behind white space, and where; `None` at the end.
    #[inline(always)]
    pub(super) fn token(self, at: usize) -> Option<(u8, usize)> {
        let byte = self.byte(at)?;
        if byte > b' ' {
            return Some((byte, at));
        }
        let at = self.behind_space(at);
        Some((self.byte(at)?, at))
    }

    /// Behind the white space that begins here.
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

    /// Whether nothing but white space stands from here on.
    pub(super) fn is_over(self, at: usize) -> bool {
        self.token(at).is_none()
    }

    /// Behind one value that begins here with this byte, within so many open brackets.
    #[inline(always)]
    pub(super) fn value(self, first: u8, at: usize, depth: usize) -> Option<usize> {
        match first {
            b'"' => Some(self.string(at + 1)?.end),
            b'{' | b'[' => self.container(first, at + 1, depth),
            _ => self.plain_value(first, at),
        }
    }

    /// The member whose key begins at this token.
    #[inline(always)]
    pub(super) fn member(self, quote: u8, at: usize) -> Option<Member> {
        if quote != b'"' {
            return None;
        }
        let key = self.string(at + 1)?;
        let (first, value) = match self.bytes().get(key.end..)?.first_chunk() {
            Some([b':', first]) if *first > b' ' => (*first, key.end + 1),
            _ => self.behind_colon(key.end)?,
        };
        Some(Member { key, first, value })
    }

    /// What the next token behind a colon begins with, where there is white space around the colon.
    fn behind_colon(self, at: usize) -> Option<(u8, usize)> {
        match self.token(at)? {
            (b':', at) => self.token(at + 1),
            _ => None,
        }
    }

    /// Behind a number, `true`, `false` or `null`.
    #[inline(always)]
    fn plain_value(self, first: u8, at: usize) -> Option<usize> {
        match first {
            b'-' | b'0'..=b'9' => self.number(at),
            b't' => self.word(at, b"true"),
            b'f' => self.word(at, b"false"),
            b'n' => self.word(at, b"null"),
            _ => None,
        }
    }

    #[inline]
    fn word<const N: usize>(self, at: usize, word: &[u8; N]) -> Option<usize> {
        (self.bytes().get(at..)?.first_chunk() == Some(word)).then_some(at + N)
    }
}

/// A member up to its value.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) key: Quoted,
    /// Where its value begins, and with what.
    pub(super) first: u8,
    pub(super) value: usize,
}
