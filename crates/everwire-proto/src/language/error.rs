//! Errors of an expression or a template, with their places.

use std::{fmt, ops::Range};

/// An error or a warning in the text of an expression or a template.
///
/// ```
/// use everwire_proto::language::LanguageError;
///
/// let error = LanguageError::new(2..3, "invalid operator `=`", "write `==` to compare");
/// assert_eq!(error.to_string(), "invalid operator `=`: write `==` to compare");
/// assert_eq!(error.span, 2..3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageError {
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// The error, with the offending text.
    pub message: String,
    /// The remedy.
    pub help: String,
}

impl LanguageError {
    /// An error about these bytes.
    pub fn new(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: help.into(),
        }
    }

    /// The same in a text that contains this one at `offset`.
    #[must_use]
    pub fn moved(mut self, offset: usize) -> Self {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }
}

impl fmt::Display for LanguageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.help.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.help),
        }
    }
}

impl std::error::Error for LanguageError {}

/// A text between backticks, with its control characters escaped, and cut if it is long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("`{}…`", text[..at].escape_debug()),
        // Quotes stay as they were written.
        None => format!("`{}`", plain(text)),
    }
}

/// The text with only its control characters escaped.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() || is_invisible(character) {
            true => plain.extend(character.escape_default()),
            false => plain.push(character),
        }
    }
    plain
}

/// Characters that change the direction of a text, or have no width.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The word that was probably meant, if one is similar enough.
pub(super) fn meant<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = match wrong.chars().count() {
        0..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let far = known
        .into_iter()
        .map(|known| (distance(wrong, known), known));
    let near = far.filter(|(far, known)| *far <= most && *far < known.chars().count());
    near.min_by_key(|(far, _)| *far).map(|(_, known)| known)
}

/// How many letters must be changed, added, removed or swapped; capitals count as small letters.
fn distance(a: &str, b: &str) -> usize {
    let letters =
        |text: &str| -> Vec<char> { text.chars().take(64).flat_map(char::to_lowercase).collect() };
    let (a, b) = (letters(a), letters(b));
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before_last[j - 2] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_one_letter_off_or_two() {
        let known = ["hmac", "hash", "hex", "header"];
        for (wrong, right) in [
            ("hmca", Some("hmac")),
            ("hmacc", Some("hmac")),
            ("HMAC", Some("hmac")),
            ("headr", Some("header")),
            ("completely", None),
            ("x", None),
        ] {
            assert_eq!(meant(wrong, known), right, "{wrong}");
        }
    }

    #[test]
    fn what_is_quoted_cannot_play_with_a_terminal() {
        assert_eq!(
            quoted("\u{1b}[2J\u{202e}\"x\""),
            "`\\u{1b}[2J\\u{202e}\"x\"`"
        );
        assert!(quoted(&"x".repeat(5000)).len() < 100);
    }
}
