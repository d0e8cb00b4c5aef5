//! Finds the ends of numbers.

use super::{Scan, word};

impl Scan<'_> {
    /// After a number that begins here, with its sign if it has one.
    #[inline(always)]
    pub(in crate::language::json) fn number(self, at: usize) -> Option<usize> {
        self.short_number(at).or_else(|| self.any_number(at))
    }

    /// After a number of a few digits, and nothing else: most are like this. `None`: it may be another one.
    #[inline(always)]
    fn short_number(self, at: usize) -> Option<usize> {
        let word = word::word(self.bytes(), at)?;
        let digits = word::digits(word).filter(|digits| *digits > 0)?;
        let [first, ..] = word.to_le_bytes();
        let next = (word >> (8 * digits)) as u8;
        let is_whole = !matches!(next, b'.' | b'e' | b'E') && (first != b'0' || digits == 1);
        is_whole.then_some(at + digits)
    }

    #[inline(never)]
    fn any_number(self, at: usize) -> Option<usize> {
        let from = if self.byte(at)? == b'-' { at + 1 } else { at };
        let to = self.some_digits(from)?;
        if to > from + 1 && self.byte(from)? == b'0' {
            return None;
        }
        match self.byte(to) {
            Some(b'.') => self.fraction(to + 1),
            Some(b'e' | b'E') => self.exponent(to + 1),
            _ => Some(to),
        }
    }

    /// After the digits that follow a point, and the exponent after them.
    fn fraction(self, at: usize) -> Option<usize> {
        let at = self.some_digits(at)?;
        match self.byte(at) {
            Some(b'e' | b'E') => self.exponent(at + 1),
            _ => Some(at),
        }
    }

    /// After an exponent whose `e` is before this place.
    fn exponent(self, at: usize) -> Option<usize> {
        let is_signed = matches!(self.byte(at)?, b'+' | b'-');
        self.some_digits(at + usize::from(is_signed))
    }

    /// After the digits that begin here, at least one.
    #[inline(always)]
    fn some_digits(self, from: usize) -> Option<usize> {
        let mut rest = self.bytes().get(from..)?;
        while let Some(chunk) = rest.first_chunk() {
            if let Some(before) = word::digits(u64::from_le_bytes(*chunk)) {
                let to = self.bytes().len() - rest.len() + before;
                return (to > from).then_some(to);
            }
            rest = &rest[8..];
        }
        self.last_digits(from, rest)
    }

    /// The same with fewer than eight bytes left.
    #[cold]
    fn last_digits(self, from: usize, rest: &[u8]) -> Option<usize> {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let to = self.bytes().len() - rest.len() + digits.count();
        (to > from).then_some(to)
    }
}
