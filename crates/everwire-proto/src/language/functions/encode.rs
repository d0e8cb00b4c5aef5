//! Bytes as text, and back.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// How bytes are encoded as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) enum Encoding {
    Hex,
    Base64,
    /// With `-` and `_`, and without padding.
    Base64Url,
    /// No encoding.
    Bytes,
}

impl Encoding {
    pub const ALL: [(&'static str, Self); 4] = [
        ("hex", Self::Hex),
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("bytes", Self::Bytes),
    ];

    /// The length of the text for this many bytes.
    pub fn length(self, bytes: usize) -> usize {
        match self {
            Self::Hex => bytes.saturating_mul(2),
            Self::Base64 => bytes.div_ceil(3).saturating_mul(4),
            Self::Base64Url => (bytes / 3 * 4).saturating_add([0, 2, 3][bytes % 3]),
            Self::Bytes => bytes,
        }
    }
}

/// Any padding is accepted.
const LENIENT: GeneralPurposeConfig =
    general_purpose::NO_PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The characters that need no escape in any part of a URL (RFC 3986 §2.3), or in a form.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(in super::super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let digits = [byte >> 4, byte & 0xf].map(|digit| char::from(DIGITS[usize::from(digit)]));
        text.extend(digits);
    }
    text
}

pub(in super::super) fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

pub(in super::super) fn base64(bytes: &[u8]) -> String {
    general_purpose::STANDARD.encode(bytes)
}

pub(in super::super) fn base64_url(bytes: &[u8]) -> String {
    general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes both alphabets, with and without padding.
pub(in super::super) fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let is_url = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = match is_url {
        true => &alphabet::URL_SAFE,
        false => &alphabet::STANDARD,
    };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

pub(in super::super) fn url_encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_texts() {
        for length in 0..20 {
            let bytes = vec![0xfb; length];
            for (encoding, text) in [
                (Encoding::Hex, hex(&bytes)),
                (Encoding::Base64, base64(&bytes)),
                (Encoding::Base64Url, base64_url(&bytes)),
            ] {
                assert_eq!(
                    encoding.length(length),
                    text.len(),
                    "{encoding:?} of {length}"
                );
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for length in 0..70 {
            let bytes: Vec<u8> = (0..length).map(|at| 255 - at * 3).collect();
            assert_eq!(unhex(hex(&bytes).as_bytes()), Some(bytes.clone()));
            assert_eq!(
                unhex(hex(&bytes).to_uppercase().as_bytes()),
                Some(bytes.clone())
            );
            assert_eq!(unbase64(base64(&bytes).as_bytes()), Some(bytes.clone()));
            assert_eq!(
                unbase64(base64(&bytes).trim_end_matches('=').as_bytes()),
                Some(bytes.clone())
            );
            assert_eq!(unbase64(base64_url(&bytes).as_bytes()), Some(bytes));
        }
        assert_eq!(unbase64(b"-_=="), unbase64(b"+/=="));
        for wrong in ["a", "ab=c", "a b=", "+-", "ä"] {
            assert_eq!(unbase64(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(unhex(b"abc"), None);
        assert_eq!(unhex(b"0g"), None);
    }

    #[test]
    fn all_but_unreserved_characters_are_escaped_in_urls() {
        assert_eq!(
            url_encode("aZ09-._~ /?&=+%ä"),
            "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A4"
        );
    }
}
