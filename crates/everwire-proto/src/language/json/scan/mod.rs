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
pub(super) use self::word::{head, word};

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
    #[inline]
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.bytes().get(at).copied()
    }

    /// The text from here to there.
    #[inline]
    pub(super) fn text(self, from: usize, to: usize) -> Option<&'a str> {
        self.0.get(from..to)
    }

    /// What the next token begins with, behind white space, and where; `None` at the end.
    #[inline]
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
            while word(self.bytes(), at) == Some(word::SPACES) {
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

    /// Behind one value that begins here, within so many open brackets.
    #[inline]
    pub(super) fn value(self, at: usize, depth: usize) -> Option<usize> {
        match self.byte(at)? {
            b'"' => Some(self.string(at + 1)?.end),
            bracket @ (b'{' | b'[') => self.container(bracket, at + 1, depth),
            first => self.plain_value(first, at),
        }
    }

    /// Behind the colon of a member whose key begins here, perhaps behind white space.
    #[inline]
    fn key(self, at: usize) -> Option<usize> {
        let (b'"', at) = self.token(at)? else {
            return None;
        };
        self.colon(self.string(at + 1)?.end)
    }

    /// Behind the colon that is next.
    #[inline]
    pub(super) fn colon(self, at: usize) -> Option<usize> {
        match self.token(at)? {
            (b':', at) => Some(at + 1),
            _ => None,
        }
    }

    /// Behind a number, `true`, `false` or `null`.
    #[inline]
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
    fn container(self, bracket: u8, at: usize, depth: usize) -> Option<usize> {
        let mut brackets = Brackets::within(depth);
        let mut next = self.enter(&mut brackets, bracket, at)?;
        loop {
            let mut at = match next {
                Next::Value(at) => {
                    let (first, at) = self.token(at)?;
                    match first {
                        b'"' => self.string(at + 1)?.end,
                        b'{' | b'[' => {
                            next = self.enter(&mut brackets, first, at + 1)?;
                            continue;
                        }
                        _ => self.plain_value(first, at)?,
                    }
                }
                Next::Behind(at) => at,
            };
            loop {
                if brackets.are_closed() {
                    return Some(at);
                }
                let (byte, here) = self.token(at)?;
                at = here + 1;
                if byte == b',' {
                    break;
                }
                brackets.close(byte)?;
            }
            next = Next::Value(if brackets.in_object() {
                self.key(at)?
            } else {
                at
            });
        }
    }

    /// Opens a bracket that stands before this place.
    #[inline]
    fn enter(self, brackets: &mut Brackets, bracket: u8, at: usize) -> Option<Next> {
        brackets.open(bracket == b'{')?;
        let (first, at) = self.token(at)?;
        Some(match (bracket, first) {
            (b'{', b'}') | (b'[', b']') => {
                brackets.close(first)?;
                Next::Behind(at + 1)
            }
            (b'{', _) => Next::Value(self.key(at)?),
            _ => Next::Value(at),
        })
    }
}

/// What is to be read next in an object or an array.
enum Next {
    /// A value, perhaps behind white space.
    Value(usize),
    /// What follows a value.
    Behind(usize),
}
