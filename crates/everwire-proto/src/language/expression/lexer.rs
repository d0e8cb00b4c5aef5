//! The tokens of an expression: texts, numbers, words and pointers. Whether `/` begins a pointer
//! depends on whether a value is expected, so the parser asks for specific tokens.

use std::ops::Range;

use super::super::{
    InvalidPointer, JsonPointer,
    error::{LanguageError, quoted},
};

/// A position in the text of an expression.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    pub warnings: Vec<LanguageError>,
}

/// The characters that end a pointer, beside white space.
const ENDS_POINTER: &[u8] = b",)]}=!<>&|\"'(;";

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            warnings: Vec::new(),
        }
    }

    pub fn text(&self) -> &'t str {
        self.text
    }

    pub fn at(&self) -> usize {
        self.at
    }

    /// The unread rest.
    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Skips this text, if it comes next.
    pub fn eat(&mut self, wanted: &str) -> bool {
        let is_next = self.rest().starts_with(wanted);
        if is_next {
            self.at += wanted.len();
        }
        is_next
    }

    /// The next word: letters, digits and `_`. It may be empty.
    pub fn peek_word(&self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &rest[..end.unwrap_or(rest.len())]
    }

    pub fn word(&mut self) -> &'t str {
        let word = self.peek_word();
        self.at += word.len();
        word
    }

    /// An error about up to `length` bytes of the rest.
    pub fn error(
        &self,
        length: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> LanguageError {
        let end = (self.at + length).min(self.text.len());
        LanguageError::new(self.at..end, message, help)
    }

    /// A quoted text, with JSON's escapes.
    pub fn string(&mut self) -> Result<String, LanguageError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        if bytes.get(end).is_none() {
            let message = format!("unclosed text {}", quoted(&self.text[start..]));
            return Err(LanguageError::new(
                start..self.text.len(),
                message,
                "write `\"` at its end",
            ));
        }
        let written = &self.text[start..=end];
        self.at = end + 1;
        serde_json::from_str(written).map_err(|_| {
            let message = format!("invalid text {}", quoted(written));
            let help =
                "the escapes are those of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u0000";
            LanguageError::new(start..end + 1, message, help)
        })
    }

    /// A number in JSON notation; a `-` is its sign.
    pub fn number(&mut self) -> Result<&'t str, LanguageError> {
        let rest = self.rest();
        let mut end = usize::from(rest.starts_with('-'));
        let digits = |from: usize| {
            let text = &rest[from..];
            text.bytes().take_while(u8::is_ascii_digit).count()
        };
        let whole = digits(end);
        let has_leading_zero = whole > 1 && rest[end..].starts_with('0');
        end += whole;
        let mut is_complete = whole > 0;
        if rest[end..].starts_with('.') {
            let fraction = digits(end + 1);
            is_complete &= fraction > 0;
            end += 1 + fraction;
        }
        if rest[end..].starts_with(['e', 'E']) {
            end += 1 + usize::from(rest[end + 1..].starts_with(['+', '-']));
            let exponent = digits(end);
            is_complete &= exponent > 0;
            end += exponent;
        }
        let glued = rest[end..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let glued: usize = glued.map(char::len_utf8).sum();
        let number = &rest[..end + glued];
        if has_leading_zero {
            let help = "a number has no zero before its other digits";
            return Err(self.error(
                number.len(),
                format!("invalid number {}", quoted(number)),
                help,
            ));
        }
        if !is_complete || glued > 0 {
            let help = "write it as JSON does: 1, -2, 0.5 or 1e3";
            return Err(self.error(
                number.len(),
                format!("invalid number {}", quoted(number)),
                help,
            ));
        }
        self.at += end;
        Ok(number)
    }

    /// A pointer into the message.
    pub fn pointer(&mut self) -> Result<JsonPointer, LanguageError> {
        let start = self.at;
        let rest = self.rest();
        let ends =
            |c: char| c.is_whitespace() || u8::try_from(c).is_ok_and(|c| ENDS_POINTER.contains(&c));
        let written = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let span = start..start + written.len();
        let behind = rest[written.len()..].chars().next();
        if let Some(at) = written.find('[').filter(|_| behind == Some(']')) {
            let index = &written[at + 1..];
            let written = &rest[..=written.len()];
            let message = format!("invalid pointer {}", quoted(written));
            let right = format!("{}/{index}", &written[..at]);
            let span = start..start + written.len();
            return Err(LanguageError::new(
                span,
                message,
                format!("write {} for an item of an array", quoted(&right)),
            ));
        }
        self.at = span.end;
        let pointer = JsonPointer::new(written).map_err(|error| match error {
            InvalidPointer::Escape(at) => self.invalid_escape(span.clone(), at),
            error => LanguageError::new(
                span.clone(),
                format!("invalid pointer {}", quoted(written)),
                error.to_string(),
            ),
        })?;
        self.warn_of_glued(written, span);
        Ok(pointer)
    }

    fn invalid_escape(&self, span: Range<usize>, at: usize) -> LanguageError {
        let written = &self.text[span.clone()];
        // What follows the pointer belongs to the intended text: `/a~"x"`.
        let behind = self.text[span.end..]
            .split(char::is_whitespace)
            .next()
            .unwrap_or_default();
        let (before, after) = (&written[..at], &written[at + 1..]);
        let right = quoted(&format!("{before} ~ {after}{behind}"));
        let message = format!("invalid pointer {}", quoted(written));
        let help =
            format!("write {right}, with spaces, to join; in a key ~0 stands for ~, and ~1 for /");
        LanguageError::new(span, message, help)
    }

    /// An operator in a key may be intended, but rarely is.
    fn warn_of_glued(&mut self, written: &str, span: Range<usize>) {
        let minus = written.match_indices('-').any(|(at, _)| {
            let next = written.as_bytes().get(at + 1);
            next.is_some_and(|next| next.is_ascii_digit() || *next == b'/')
        });
        let is_empty = written.split('/').skip(1).any(str::is_empty);
        let help = match written.find(['+', '.', '-']) {
            _ if is_empty => {
                "a key between its slashes is empty: for such a key write at(message, \"…\")"
                    .to_owned()
            }
            Some(at) if minus || written.contains(['+', '.']) => {
                let operator = &written[at..=at];
                let (before, after) = (&written[..at], &written[at + 1..]);
                match operator {
                    "." => format!(
                        "a key with a dot? else write {}",
                        quoted(&written.replace('.', "/"))
                    ),
                    _ => format!(
                        "a key? else put spaces: {}",
                        quoted(&format!("{before} {operator} {after}"))
                    ),
                }
            }
            _ => return,
        };
        let message = format!("{} is read as one pointer", quoted(written));
        self.warnings.push(LanguageError::new(span, message, help));
    }
}
