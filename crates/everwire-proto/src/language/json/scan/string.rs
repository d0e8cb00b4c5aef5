//! Strings: where they end.

use super::{Scan, word};

/// A string that was scanned.
#[derive(Clone, Copy)]
pub(in crate::language::json) struct Quoted {
    /// Behind the closing quote.
    pub(in crate::language::json) end: usize,
    /// Whether it has a backslash.
    pub(in crate::language::json) is_escaped: bool,
    /// Its first eight bytes as they were written, the first in the lowest; where it is shorter, zeros behind it.
    pub(in crate::language::json) head: u64,
}

impl Scan<'_> {
    /// A string whose opening quote stands before this place.
    #[inline(always)]
    pub(in crate::language::json) fn string(self, at: usize) -> Option<Quoted> {
        let rest = self.bytes().get(at..)?;
        let Some(chunk) = rest.first_chunk() else {
            return self.last_string(at);
        };
        let word = u64::from_le_bytes(*chunk);
        let Some(before) = word::plain(word) else {
            return self.long_string(&rest[8..], word);
        };
        if rest[before] != b'"' {
            return self.escaped(at + before, word);
        }
        Some(Quoted {
            end: at + before + 1,
            is_escaped: false,
            head: word::head(word, before),
        })
    }

    /// A string of which this is the rest, from its ninth byte on.
    #[inline(always)]
    fn long_string(self, rest: &[u8], head: u64) -> Option<Quoted> {
        let at = self.plain_in(rest);
        if self.byte(at)? != b'"' {
            return self.escaped(at, head);
        }
        Some(Quoted {
            end: at + 1,
            is_escaped: false,
            head,
        })
    }

    /// A string in the last bytes of the text.
    #[cold]
    fn last_string(self, from: usize) -> Option<Quoted> {
        let at = self.plain(from);
        let head = word::of(self.bytes().get(from..at)?);
        self.escaped(at, head)
    }

    /// The rest of a string, from its first backslash on, if it has one.
    #[inline(never)]
    fn escaped(self, mut at: usize, head: u64) -> Option<Quoted> {
        let mut is_escaped = false;
        while self.byte(at)? == b'\\' {
            is_escaped = true;
            at = self.plain(self.escape(at + 1)?);
        }
        (self.byte(at)? == b'"').then_some(Quoted {
            end: at + 1,
            is_escaped,
            head,
        })
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
    #[inline(always)]
    pub(in crate::language::json) fn plain(self, at: usize) -> usize {
        self.plain_in(self.bytes().get(at..).unwrap_or_default())
    }

    /// The same for a run that begins with the rest of the text.
    #[inline(never)]
    fn plain_in(self, mut rest: &[u8]) -> usize {
        for _ in 0..FEW {
            let Some(chunk) = rest.first_chunk() else {
                return self.plain_to_the_end(rest);
            };
            if let Some(before) = word::plain(u64::from_le_bytes(*chunk)) {
                return self.bytes().len() - rest.len() + before;
            }
            rest = &rest[8..];
        }
        while rest
            .first_chunk()
            .is_some_and(|wide| !word::ends_within(wide))
        {
            rest = &rest[word::WIDE..];
        }
        while let Some(chunk) = rest.first_chunk() {
            if let Some(before) = word::plain(u64::from_le_bytes(*chunk)) {
                return self.bytes().len() - rest.len() + before;
            }
            rest = &rest[8..];
        }
        self.plain_to_the_end(rest)
    }

    /// The same where no eight bytes are left.
    #[cold]
    fn plain_to_the_end(self, rest: &[u8]) -> usize {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        let len = rest.iter().position(ends).unwrap_or(rest.len());
        self.bytes().len() - rest.len() + len
    }
}

/// So many words of a string are looked at before it is thought to be a long one.
const FEW: usize = 3;
