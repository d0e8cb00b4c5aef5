//! Strings: where they end.

use super::{
    Scan,
    word::{self, word},
};

/// A string that was scanned.
#[derive(Clone, Copy)]
pub(in crate::language::json) struct Quoted {
    /// Behind the closing quote.
    pub(in crate::language::json) end: usize,
    /// Whether it has a backslash.
    pub(in crate::language::json) is_escaped: bool,
}

impl Scan<'_> {
    /// A string whose opening quote stands before this place.
    #[inline]
    pub(in crate::language::json) fn string(self, at: usize) -> Option<Quoted> {
        let at = self.plain(at);
        match self.byte(at)? {
            b'"' => Some(Quoted {
                end: at + 1,
                is_escaped: false,
            }),
            b'\\' => self.escaped(at),
            _ => None,
        }
    }

    /// The rest of a string, from its first backslash on.
    fn escaped(self, mut at: usize) -> Option<Quoted> {
        loop {
            at = match self.byte(at)? {
                b'"' => {
                    return Some(Quoted {
                        end: at + 1,
                        is_escaped: true,
                    });
                }
                b'\\' => self.plain(self.escape(at + 1)?),
                _ => return None,
            }
        }
    }

    /// Behind an escape whose backslash stands before this place.
    fn escape(self, at: usize) -> Option<usize> {
        match self.byte(at)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
            b'u' => {
                let digits = self.bytes().get(at + 1..at + 5)?;
                let are_hex = digits.iter().all(u8::is_ascii_hexdigit);
                are_hex.then_some(at + 5)
            }
            _ => None,
        }
    }

    /// Where a run of plain text ends: at a quote, a backslash, a control character, or with the text.
    #[inline]
    pub(in crate::language::json) fn plain(self, mut at: usize) -> usize {
        while let Some(word) = word(self.bytes(), at) {
            match word::plain(word) {
                Some(before) => return at + before,
                None => at += 8,
            }
        }
        self.plain_to_the_end(at)
    }

    /// The same where no eight bytes are left.
    #[cold]
    fn plain_to_the_end(self, at: usize) -> usize {
        let rest = self.bytes().get(at..).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        at + rest.iter().position(ends).unwrap_or(rest.len())
    }
}
