//! Finds the ends of objects and arrays.

use super::{Scan, brackets::Brackets};

/// What follows a run of values without brackets, and where.
enum Bracket {
    /// The next value begins with this bracket.
    Opens(u8, usize),
    /// The values are over: this must close them.
    Closes(u8, usize),
}

impl Scan<'_> {
    /// After an object or an array whose bracket is before this place: a flat loop, whatever the
    /// depth.
    pub(super) fn container(self, mut bracket: u8, mut at: usize, depth: usize) -> Option<usize> {
        let mut brackets = Brackets::within(depth);
        'opened: loop {
            brackets.open(bracket == b'{')?;
            let (mut next, mut here) = self.token(at)?;
            let mut has_values = next != bracket + CLOSING;
            loop {
                let found = if has_values {
                    self.values(brackets, next, here)?
                } else {
                    Bracket::Closes(next, here)
                };
                match found {
                    Bracket::Opens(inner, before) => {
                        (bracket, at) = (inner, before + 1);
                        continue 'opened;
                    }
                    Bracket::Closes(closing, before) => {
                        brackets.close(closing)?;
                        at = before + 1;
                    }
                }
                if brackets.count() == depth {
                    return Some(at);
                }
                (next, here) = self.token(at)?;
                has_values = next == b',';
                if has_values {
                    (next, here) = self.token(here + 1)?;
                }
            }
        }
    }

    /// What follows the values without brackets from this token on.
    #[inline(always)]
    fn values(self, brackets: Brackets, next: u8, at: usize) -> Option<Bracket> {
        if brackets.in_object() {
            self.members(next, at)
        } else {
            self.elements(next, at)
        }
    }

    #[inline(always)]
    fn members(self, mut next: u8, mut at: usize) -> Option<Bracket> {
        loop {
            let member = self.member(next, at)?;
            match self.item(member.first, member.value)? {
                Ok(comma) => (next, at) = self.token(comma + 1)?,
                Err(bracket) => return Some(bracket),
            }
        }
    }

    #[inline(always)]
    fn elements(self, mut next: u8, mut at: usize) -> Option<Bracket> {
        loop {
            match self.item(next, at)? {
                Ok(comma) => (next, at) = self.token(comma + 1)?,
                Err(bracket) => return Some(bracket),
            }
        }
    }

    /// The comma after a value that begins here, or the bracket before that.
    #[inline(always)]
    fn item(self, first: u8, at: usize) -> Option<Result<usize, Bracket>> {
        let end = match first {
            b'"' => self.string(at + 1)?.end,
            b'{' | b'[' => return Some(Err(Bracket::Opens(first, at))),
            _ => self.plain_value(first, at)?,
        };
        Some(match self.token(end)? {
            (b',', comma) => Ok(comma),
            (closing, at) => Err(Bracket::Closes(closing, at)),
        })
    }
}

/// The distance from an opening bracket to its closing one in ASCII.
const CLOSING: u8 = b'}' - b'{';
