//! The result of an expression, or its error.

use everwire::manager::EvaluateError;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;

use crate::cli::{Failure, words};

/// A result in both forms.
pub struct Answer {
    /// For a person.
    pub text: String,
    /// For a program.
    pub json: Json,
}

/// Evaluates a question.
///
/// # Errors
///
/// [`Failure::Undone`] if there is no connection to evaluate it.
pub fn to(question: &str, answer: Result<String, EvaluateError>) -> Result<Answer, Failure> {
    Ok(match answer {
        Ok(value) => Answer {
            text: words::printable(&value),
            json: json!({ "type": "answer", "asked": question, "value": value }),
        },
        Err(EvaluateError::Invalid(errors)) => {
            let drawn = errors
                .iter()
                .map(|error| drawn(question, error.span.clone(), &error.to_string()));
            let told = errors.iter().map(|error| {
                let (start, end) = (error.span.start, error.span.end);
                json!({ "message": error.message, "help": error.help, "start": start, "end": end })
            });
            Answer {
                text: drawn.collect::<Vec<_>>().join("\n"),
                json: json!({ "type": "answer", "asked": question, "errors": told.collect::<Vec<_>>() }),
            }
        }
        Err(error) => return Err(Failure::Undone(error.to_string())),
    })
}

/// The text with a mark below its error.
fn drawn(text: &str, span: std::ops::Range<usize>, what: &str) -> String {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end.max(start));
    let shown = words::printable(text);
    let (before, marked) = (&text[..start], &text[start..end]);
    let width = |text: &str| words::printable(text).width();
    let mark = "^".repeat(width(marked).max(1));
    let space = " ".repeat(width(before));
    format!(
        "error: {}\n  {shown}\n  {space}{mark}",
        words::printable(what)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_below_what_is_wrong() {
        assert_eq!(
            drawn("/op = 10", 4..5, "invalid operator `=`"),
            "error: invalid operator `=`\n  /op = 10\n      ^"
        );
        // Wide characters take two columns. The end of the text can also be marked.
        assert_eq!(
            drawn("\"市\" =", 6..7, "x"),
            "error: x\n  \"市\" =\n       ^"
        );
        assert_eq!(drawn("/a ==", 5..5, "x"), "error: x\n  /a ==\n       ^");
        assert_eq!(drawn("a", 9..12, "x"), "error: x\n  a\n   ^");
    }
}
