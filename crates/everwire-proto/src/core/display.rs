//! Decides which characters of foreign text a terminal, a log or a page may show.
//!
//! A peer, a proxy or an author of settings chooses such a text. Unfiltered, it could move the
//! cursor, set the terminal's title or clipboard (control sequences), or reorder the text beside it
//! (directional marks).

use std::{borrow::Cow, fmt::Write as _};

/// Whether the character may be shown unchanged: it does not move the cursor, begin a control
/// sequence (C0, DEL and C1), break the line, or reorder or hide text (Unicode's directional,
/// invisible, annotation and tag characters).
///
/// The joiners U+200C and U+200D are allowed: scripts and emoji need them.
pub const fn is_displayable(c: char) -> bool {
    !is_motion(c)
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Controls, and separators of lines and paragraphs.
const fn is_motion(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

/// The text in one line of [displayable](is_displayable) characters: a space replaces each
/// character that would move the cursor, U+FFFD each one that would reorder or hide text.
///
/// ```
/// use everwire_proto::core::displayable;
///
/// assert_eq!(displayable("a\nb\u{9b}2Jc\u{202e}d"), "a b 2Jc\u{fffd}d");
/// ```
pub fn displayable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_displayable) {
        return Cow::Borrowed(text);
    }
    let shown = |c| match c {
        c if is_motion(c) => ' ',
        c if is_displayable(c) => c,
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(shown).collect::<String>().into()
}

/// An equivalent JSON text (RFC 8259) in which each character of a string is
/// [displayable](is_displayable): the others are written as `\uXXXX`. Line ends and tabs between
/// the values stay.
///
/// ```
/// use everwire_proto::core::displayable_json;
///
/// assert_eq!(displayable_json("{\"text\": \"\u{9b}2J\"}"), r#"{"text": "\u009b2J"}"#);
/// ```
pub fn displayable_json(json: &str) -> Cow<'_, str> {
    if !json.as_bytes().chunks(64).any(may_need_escape) {
        return Cow::Borrowed(json);
    }
    // Outside of strings JSON has only white space among these characters, and inside of strings
    // none of U+0000 to U+001F.
    let is_escaped = |c: char| c > '\u{1f}' && !is_displayable(c);
    let mut escaped = String::new();
    let mut rest = json;
    while let Some(at) = rest.find(is_escaped) {
        let (before, from) = rest.split_at(at);
        escaped.push_str(before);
        let mut chars = from.chars();
        for unit in chars.next().into_iter().flat_map(utf16) {
            // Writing to a string cannot fail.
            let _infallible = write!(escaped, "\\u{unit:04x}");
        }
        rest = chars.as_str();
    }
    if escaped.is_empty() {
        return Cow::Borrowed(json);
    }
    escaped.push_str(rest);
    escaped.into()
}

/// One code unit of UTF-16, or two.
fn utf16(c: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let length = c.encode_utf16(&mut units).len();
    units.into_iter().take(length)
}

/// Whether a byte of UTF-8 is DEL, or begins a character of a block with hidden characters. Without
/// an early exit, so that many bytes are checked at once.
fn may_need_escape(bytes: &[u8]) -> bool {
    let is_suspect = |byte| matches!(byte, 0x7f | 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3);
    bytes
        .iter()
        .fold(false, |found, &byte| found | is_suspect(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All characters.
    fn characters() -> impl Iterator<Item = char> {
        '\0'..=char::MAX
    }

    #[test]
    fn controls_separators_and_directional_marks_are_not_shown() {
        let ranges = [
            0..=0x1f,
            0x7f..=0x9f,
            0x61c..=0x61c,
            0x200e..=0x200f,
            0x2028..=0x202e,
            0x2066..=0x2069,
            0xfeff..=0xfeff,
        ];
        for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
            assert!(!is_displayable(c), "{c:?}");
        }
        for c in characters().filter(|c| c.is_control()) {
            assert!(!is_displayable(c), "{c:?}");
        }
        for c in "aé ß市🦀\u{a0}\u{200d}\u{fffd}".chars() {
            assert!(is_displayable(c), "{c:?}");
        }
    }

    #[test]
    fn what_is_displayable_holds_no_other_character_and_stays_as_it_is() {
        for c in characters() {
            let text = format!("a{c}b");
            let shown = displayable(&text);
            assert!(shown.chars().all(is_displayable), "{c:?}: {shown:?}");
            assert_eq!(shown.chars().count(), 3, "{c:?}: {shown:?}");
            assert_eq!(shown == text, is_displayable(c), "{c:?}: {shown:?}");
        }
    }

    #[test]
    fn json_of_each_character_is_displayable_and_says_the_same() {
        for c in characters() {
            let text = format!("a{c}\"\\{c}");
            let json = serde_json::json!({ text.clone(): [text.clone()] }).to_string();
            let shown = displayable_json(&json);
            assert!(shown.chars().all(is_displayable), "{c:?}: {shown}");
            let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(read[&text][0], text, "{c:?}: {shown}");
        }
    }

    #[test]
    fn json_keeps_its_line_ends() {
        let json = "{\n\t\"a\": \"–\u{2028}\"\r\n}\n";
        assert_eq!(displayable_json(json), "{\n\t\"a\": \"–\\u2028\"\r\n}\n");
    }
}
