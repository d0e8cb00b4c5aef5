//! Where the values of a JSON text end, found in one pass from left to right, without recursion.
//!
//! Each function takes the place in the text at which it begins, and answers the place behind what it has read; `None` if that is no
//! JSON. What they have read is JSON by all rules.

mod brackets;
mod number;
mod string;
mod word;

use self::brackets::Brackets;
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
        self.token_behind_space(at)
    }

    fn token_behind_space(self, mut at: usize) -> Option<(u8, usize)> {
        loop {
            // Indented texts have many of them.
            while word::word(self.bytes(), at) == Some(word::SPACES) {
                at += 8;
            }
            match self.byte(at)? {
                b' ' | b'\n' | b'\t' | b'\r' => at += 1,
                byte => return Some((byte, at)),
            }
        }
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

    /// Behind the colon of a member whose key begins here, perhaps behind white space.
    #[inline(always)]
    fn key(self, at: usize) -> Option<usize> {
        let (b'"', at) = self.token(at)? else {
            return None;
        };
        self.colon(self.string(at + 1)?.end)
    }

    /// Behind the colon that is next.
    #[inline(always)]
    pub(super) fn colon(self, at: usize) -> Option<usize> {
        match self.token(at)? {
            (b':', at) => Some(at + 1),
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

    /// Behind an object or an array whose bracket stands before this place: a flat loop, however deep it is.
    fn container(self, mut bracket: u8, mut at: usize, depth: usize) -> Option<usize> {
        let mut brackets = Brackets::within(depth);
        'opened: loop {
            brackets.open(bracket == b'{')?;
            let mut has_more = self.token(at)?.0 != bracket + CLOSING;
            loop {
                if has_more {
                    if brackets.in_object() {
                        at = self.key(at)?;
                    }
                    let (first, here) = self.token(at)?;
                    at = match first {
                        b'"' => self.string(here + 1)?.end,
                        b'{' | b'[' => {
                            (bracket, at) = (first, here + 1);
                            continue 'opened;
                        }
                        _ => self.plain_value(first, here)?,
                    };
                }
                let (next, here) = self.token(at)?;
                at = here + 1;
                has_more = next == b',';
                if !has_more {
                    brackets.close(next)?;
                    if brackets.count() == depth {
                        return Some(at);
                    }
                }
            }
        }
    }
}

/// How far behind an opening bracket its closing one stands in ASCII.
const CLOSING: u8 = b'}' - b'{';
