//! Finds the ends of strings.

use super::{Scan, word};

/// A scanned string.
#[derive(Clone, Copy)]
pub(in crate::language::json) struct Quoted {
    /// After the closing quote.
    pub(in crate::language::json) end: usize,
    /// Whether it has a backslash.
    pub(in crate::language::json) is_escaped: bool,
    /// Its first eight bytes as written, the first in the lowest, padded with zeros.
    pub(in crate::language::json) head: u64,
}

impl Scan<'_> {
    /// A string whose opening quote is before this place. Most end within two words.
    #[inline(always)]
    pub(in crate::language::json) fn string(self, from: usize) -> Option<Quoted> {
        let rest = self.bytes().get(from..)?;
        let Some(first) = rest.first_chunk().map(|word| u64::from_le_bytes(*word)) else {
            return self.last_string(from);
        };
        if let Some(len) = word::plain(first) {
            return self.ended(from + len, rest[len], word::head(first, len));
        }
        let rest = &rest[8..];
        let second = rest.first_chunk().map(|word| u64::from_le_bytes(*word));
        if let Some(len) = second.and_then(word::plain) {
            return self.ended(from + 8 + len, rest[len], first);
        }
        let len = run(rest);
        self.ended(from + 8 + len, *rest.get(len)?, first)
    }

    /// A string with this head, whose first run of plain text ends here with this byte.
    #[inline(always)]
    fn ended(self, at: usize, byte: u8, head: u64) -> Option<Quoted> {
        let is_escaped = byte != b'"';
        Some(Quoted {
            end: if is_escaped {
                self.escaped(at)?
            } else {
                at + 1
            },
            is_escaped,
            head,
        })
    }

    /// A string in the last bytes of the text.
    #[cold]
    fn last_string(self, from: usize) -> Option<Quoted> {
        let at = self.plain(from);
        let head = word::of(self.bytes().get(from..at)?);
        self.ended(at, self.byte(at)?, head)
    }

    /// The end of a string, from its first backslash on; `None` if there is anything else here.
    #[inline(never)]
    fn escaped(self, mut at: usize) -> Option<usize> {
        while self.byte(at)? == b'\\' {
            at = self.plain(self.escape(at + 1)?);
        }
        (self.byte(at)? == b'"').then_some(at + 1)
    }

    /// After an escape whose backslash is before this place.
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

    /// Where a run of plain text from here ends: at a quote, a backslash, a control character, or
    /// the end of the text.
    #[inline(always)]
    pub(in crate::language::json) fn plain(self, at: usize) -> usize {
        let rest = self.bytes().get(at..).unwrap_or_default();
        at + run(rest)
    }
}

/// The length of the run of plain text at the start of these bytes.
#[inline(never)]
fn run(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    for words in 1.. {
        let Some(word) = rest.first_chunk() else {
            break;
        };
        if let Some(before) = word::plain(u64::from_le_bytes(*word)) {
            return bytes.len() - rest.len() + before;
        }
        rest = &rest[8..];
        if words == FEW {
            rest = behind_long_run(rest);
        }
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let last = rest.iter().position(ends).unwrap_or(rest.len());
    bytes.len() - rest.len() + last
}

/// How many words of a run are checked before it counts as a long one.
const FEW: usize = 2;

/// The rest after the part of a long run that is scanned in large steps.
#[inline(always)]
fn behind_long_run(mut rest: &[u8]) -> &[u8] {
    while let Some(wide) = rest.first_chunk() {
        if word::ends_within(wide) {
            break;
        }
        rest = &rest[word::WIDE..];
    }
    rest
}
