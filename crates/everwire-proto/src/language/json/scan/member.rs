//! Members of objects, up to their values.

use super::{Quoted, Scan};

/// A member up to its value.
#[derive(Clone, Copy)]
pub(in crate::language::json) struct Member {
    pub(in crate::language::json) key: Quoted,
    /// Where its value begins, and with which byte.
    pub(in crate::language::json) first: u8,
    pub(in crate::language::json) value: usize,
}

impl Scan<'_> {
    /// The member whose key begins at this token.
    #[inline(always)]
    pub(in crate::language::json) fn member(self, quote: u8, at: usize) -> Option<Member> {
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

    /// The first byte of the token after a colon with white space around it.
    fn behind_colon(self, at: usize) -> Option<(u8, usize)> {
        match self.token(at)? {
            (b':', at) => self.token(at + 1),
            _ => None,
        }
    }
}
