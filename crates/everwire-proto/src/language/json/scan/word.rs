//! Eight bytes at a time; the first is the lowest of the word.

const EACH: u64 = u64::MAX / 0xff;
const HIGH: u64 = EACH << 7;

/// How many bytes of a long string are scanned together.
pub(super) const WIDE: usize = 32;

/// The eight bytes from here on; `None` if the text ends before.
#[inline(always)]
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let word = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*word))
}

/// The first bytes of a text, padded with zeros.
pub(in crate::language::json) fn of(bytes: &[u8]) -> u64 {
    let low_first = bytes.iter().take(8).rev();
    low_first.fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// The first bytes of a word, fewer than eight, padded with zeros.
#[inline(always)]
pub(super) fn head(word: u64, bytes: usize) -> u64 {
    word & !(u64::MAX << (8 * bytes))
}

/// How many bytes precede the end of a run of plain text in a string: a quote, a backslash or a
/// control character. `None` if there is none.
///
/// A subtraction borrows from a higher byte only at a byte that ends the run, so the first match is
/// right.
#[inline(always)]
pub(super) fn plain(word: u64) -> Option<usize> {
    // 0x22 becomes 0x20, and bytes below 0x20 stay there.
    let quote_or_control = (word ^ (EACH * 0x02)).wrapping_sub(EACH * 0x21);
    let backslash = (word ^ (EACH * b'\\' as u64)).wrapping_sub(EACH);
    first((quote_or_control | backslash) & !word & HIGH)
}

/// The number of leading spaces of a word.
#[inline(always)]
pub(super) fn spaces(word: u64) -> usize {
    (word ^ (EACH * b' ' as u64)).trailing_zeros() as usize / 8
}

/// Whether a run of plain text ends within these bytes. Compilers turn it into a few vector
/// instructions.
#[inline(always)]
pub(super) fn ends_within(bytes: &[u8; WIDE]) -> bool {
    let ends = |byte: &u8| (*byte == b'"') | (*byte == b'\\') | (*byte < 0x20);
    bytes.iter().fold(false, |any, byte| any | ends(byte))
}

/// The number of leading digits of a word; `None` if all are digits.
#[inline(always)]
pub(super) fn digits(word: u64) -> Option<usize> {
    // Digits become 0 to 9, and nothing else does.
    let values = word ^ (EACH * b'0' as u64);
    let above_nine = (values & !HIGH) + EACH * (0x80 - 10);
    first((above_nine | values) & HIGH)
}

/// The index of the first byte whose highest bit is set.
#[inline(always)]
fn first(marks: u64) -> Option<usize> {
    if marks == 0 {
        return None;
    }
    Some(marks.trailing_zeros() as usize / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_told_at_each_place() {
        for byte in 0..=u8::MAX {
            for other in [b'a', b'5', b'"', 0, 0x1f, 0x21, b'\\', b']', 0x80, 0xff] {
                for at in 0..8 {
                    let mut bytes = [other; 8];
                    bytes[at] = byte;
                    let word = word(&bytes, 0).unwrap();
                    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                    assert_eq!(plain(word), bytes.iter().position(ends), "{bytes:?}");
                    let no_digit = |byte: &u8| !byte.is_ascii_digit();
                    assert_eq!(digits(word), bytes.iter().position(no_digit), "{bytes:?}");
                    let spaces = bytes.iter().take_while(|byte| **byte == b' ').count();
                    assert_eq!(self::spaces(word), spaces, "{bytes:?}");
                    let mut wide = [b'x'; WIDE];
                    wide[3 * at..][..8].copy_from_slice(&bytes);
                    assert_eq!(ends_within(&wide), bytes.iter().any(ends), "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn a_head_is_what_was_asked_for() {
        let text = *b"abcdefgh";
        for len in 0..8 {
            let expected = of(&text[..len]);
            assert_eq!(head(u64::from_le_bytes(text), len), expected);
            assert_eq!(expected.to_le_bytes()[..len], text[..len]);
        }
        assert_eq!(of(b"abcdefghi"), u64::from_le_bytes(text));
        assert_eq!(word(&text, 1), None);
        assert_eq!(word(&text, 9), None);
    }
}
