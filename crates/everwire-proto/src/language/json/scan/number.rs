//! Numbers: where they end.

use super::{
    Scan,
    word::{self, word},
};

impl Scan<'_> {
    /// Behind a number that begins here, with its sign if it has one.
    #[inline]
    pub(in crate::language::json) fn number(self, at: usize) -> Option<usize> {
        let at = if self.byte(at)? == b'-' { at + 1 } else { at };
        let at = match self.byte(at)? {
            b'0' => at + 1,
            b'1'..=b'9' => self.digits(at + 1),
            _ => return None,
        };
        match self.byte(at) {
            Some(b'.') => self.fraction(at + 1),
            Some(b'e' | b'E') => self.exponent(at + 1),
            _ => Some(at),
        }
    }

    /// Behind the digits that follow a point, and the exponent behind them.
    fn fraction(self, at: usize) -> Option<usize> {
        let at = self.some_digits(at)?;
        match self.byte(at) {
            Some(b'e' | b'E') => self.exponent(at + 1),
            _ => Some(at),
        }
    }

    /// Behind an exponent whose `e` stands before this place.
    fn exponent(self, at: usize) -> Option<usize> {
        let is_signed = matches!(self.byte(at)?, b'+' | b'-');
        self.some_digits(at + usize::from(is_signed))
    }

    /// Behind the digits that begin here, of which there must be one.
    #[inline]
    fn some_digits(self, at: usize) -> Option<usize> {
        self.byte(at)?.is_ascii_digit().then(|| self.digits(at + 1))
    }

    /// Behind the digits that begin here.
    #[inline]
    fn digits(self, mut at: usize) -> usize {
        while let Some(word) = word(self.bytes(), at) {
            match word::digits(word) {
                Some(before) => return at + before,
                None => at += 8,
            }
        }
        self.digits_to_the_end(at)
    }

    /// The same where no eight bytes are left.
    #[cold]
    fn digits_to_the_end(self, at: usize) -> usize {
        let rest = self.bytes().get(at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        at + digits.count()
    }
}
