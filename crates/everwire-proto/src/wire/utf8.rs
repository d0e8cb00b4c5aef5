//! UTF-8, checked as it arrives (RFC 6455 §8.1).

use bytes::Bytes;
use bytestring::ByteString;

use super::Violation;

/// Checks a text that arrived in one piece.
pub(super) fn check(text: &[u8]) -> Result<(), Violation> {
    match simdutf8::basic::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(locate(text)),
    }
}

/// Checks the first `len` bytes of `input`, and splits them off.
#[allow(unsafe_code, reason = "see trust")]
pub(super) fn split_to(input: &mut Bytes, len: usize) -> Result<ByteString, Violation> {
    check(&input[..len])?;
    // SAFETY: these bytes have just passed the check.
    Ok(unsafe { trust(input.split_to(len)) })
}

/// How far a growing text is known to be UTF-8.
#[derive(Debug, Default)]
pub(super) struct Progress {
    valid: usize,
}

impl Progress {
    /// Checks the bytes appended to `text`. At most three bytes, the start of a character, stay
    /// unchecked.
    pub(super) fn advance(&mut self, text: &[u8]) -> Result<(), Violation> {
        match simdutf8::compat::from_utf8(&text[self.valid..]) {
            Ok(_) => self.valid = text.len(),
            Err(error) => {
                self.valid += error.valid_up_to();
                if error.error_len().is_some() {
                    return Err(Violation::TextNotUtf8 { offset: self.valid });
                }
            }
        }
        Ok(())
    }

    /// Checks that `text`, which has passed [`advance`](Self::advance), may end here.
    pub(super) fn finish(self, text: &[u8]) -> Result<(), Violation> {
        match self.valid == text.len() {
            true => Ok(()),
            false => Err(Violation::TextNotUtf8 { offset: self.valid }),
        }
    }
}

/// The text of checked bytes. A second check would halve the speed of decoding text.
///
/// # Safety
///
/// All of `text` must have passed [`check`], or [`Progress::advance`] and [`Progress::finish`].
#[allow(unsafe_code, reason = "a second pass would halve the speed of text")]
pub(super) unsafe fn trust(text: Bytes) -> ByteString {
    // SAFETY: the caller's promise.
    unsafe { ByteString::from_bytes_unchecked(text) }
}

#[cold]
fn locate(text: &[u8]) -> Violation {
    let offset = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
    Violation::TextNotUtf8 { offset }
}
