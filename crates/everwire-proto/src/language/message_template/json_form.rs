//! JSON templates: which holes are within quotes, and whether the rest is JSON.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    super::{LanguageError, Part, error::quoted},
    piece::{Piece, PieceKind},
};

/// What may follow the JSON: the record separator (RFC 7464), as in SignalR.
const SEPARATOR: char = '\u{1e}';

/// Whether a template of these pieces is JSON: it has a hole, and begins with `{` or `[`, perhaps
/// after digits or white space.
pub(super) fn is_json(pieces: &[Piece]) -> bool {
    let Some(first) = pieces.first().and_then(Piece::as_literal) else {
        return false;
    };
    let behind_digits = first.trim_start_matches(|c: char| c.is_ascii_digit());
    let begins =
        behind_digits.starts_with(['{', '[']) || first.trim_start().starts_with(['{', '[']);
    begins && pieces.iter().any(Piece::is_hole)
}

/// Finds the pieces within quotes, and checks the template with samples in its holes.
pub(super) fn check(text: &str, pieces: &mut [Piece]) -> Result<(), Vec<LanguageError>> {
    let mut filled = Filled::default();
    let mut place = Place::Outside;
    let mut errors = Vec::new();
    for piece in pieces {
        match &piece.kind {
            PieceKind::Literal(literal) => {
                place = place.behind(literal);
                filled.push(literal, piece.span.clone(), Source::Literal);
            }
            PieceKind::Variable(_) | PieceKind::Hole(_) => {
                piece.is_quoted = matches!(place, Place::Text { .. });
                errors.extend(place.refuses(piece, text));
                filled.push(sample(piece), piece.span.clone(), Source::Hole);
            }
        }
    }
    if errors.is_empty() {
        errors.extend(filled.error(text));
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(errors),
    }
}

/// Refuses holes after a quote in a text that goes into JSON: their values could break out of the
/// inner text.
pub(super) fn refuse_nested(text: &str, pieces: &[Piece]) -> Result<(), Vec<LanguageError>> {
    let mut place = Place::Text {
        has_quote: false,
        escape: 0,
    };
    for piece in pieces {
        match piece.as_literal() {
            Some(literal) if literal.contains('"') => {
                place = Place::Text {
                    has_quote: true,
                    escape: 0,
                };
            }
            Some(_) => {}
            None => {
                if let Some(error) = place.refuses(piece, text) {
                    return Err(vec![error]);
                }
            }
        }
    }
    Ok(())
}

/// The sample for a piece, to check whether the rest is JSON.
fn sample(piece: &Piece) -> &str {
    match &piece.kind {
        _ if piece.is_quoted => "",
        // Known, and inserted unchanged.
        PieceKind::Variable(Part::Env { value, .. }) => value.expose(),
        _ => "null",
    }
}

/// The state of JSON at a point of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Outside,
    Text {
        /// Whether a `\"` precedes it in the same text: JSON within JSON.
        has_quote: bool,
        /// How many characters of an escape are missing: all four digits after a `\u`.
        escape: u8,
    },
}

impl Place {
    /// The state after this literal.
    fn behind(self, literal: &str) -> Self {
        literal.chars().fold(self, Self::after)
    }

    fn after(self, character: char) -> Self {
        match (self, character) {
            (Self::Outside, '"') => Self::Text {
                has_quote: false,
                escape: 0,
            },
            (Self::Outside, _) => Self::Outside,
            (
                Self::Text {
                    has_quote,
                    escape: 1,
                },
                'u',
            ) => Self::Text {
                has_quote,
                escape: 5,
            },
            (
                Self::Text {
                    has_quote,
                    escape: 1,
                },
                _,
            ) => Self::Text {
                has_quote: has_quote || character == '"',
                escape: 0,
            },
            (
                Self::Text {
                    has_quote,
                    escape: 2..,
                },
                _,
            ) => {
                // After the last digit none is missing.
                let escape = match self {
                    Self::Text { escape: 2, .. } => 0,
                    Self::Text { escape, .. } => escape - 1,
                    Self::Outside => 0,
                };
                Self::Text { has_quote, escape }
            }
            (Self::Text { .. }, '"') => Self::Outside,
            (Self::Text { has_quote, .. }, '\\') => Self::Text {
                has_quote,
                escape: 1,
            },
            (Self::Text { .. }, _) => self,
        }
    }

    /// Why no hole may be here.
    fn refuses(self, piece: &Piece, text: &str) -> Option<LanguageError> {
        let written = quoted(&text[piece.span.clone()]);
        match self {
            Self::Text { escape: 1.., .. } => {
                let message = format!("the escape before {written} is not complete");
                Some(LanguageError::new(
                    piece.span.clone(),
                    message,
                    "write `\\\\` for a backslash",
                ))
            }
            Self::Text {
                has_quote: true, ..
            } => {
                let message = format!("{written} stands in JSON inside a text of JSON");
                let help = "write a `let` with the inner JSON, and `${json(name)}` without quotes, or the name within quotes";
                Some(LanguageError::new(piece.span.clone(), message, help))
            }
            Self::Text { .. } | Self::Outside => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Literal,
    Hole,
}

/// The template with samples in its holes, and the origin of each part.
#[derive(Default)]
struct Filled {
    text: String,
    parts: Vec<(Range<usize>, Range<usize>, Source)>,
}

impl Filled {
    fn push(&mut self, sample: &str, span: Range<usize>, source: Source) {
        let start = self.text.len();
        self.text.push_str(sample);
        self.parts.push((start..self.text.len(), span, source));
    }

    /// The error of it as JSON.
    fn error(&self, text: &str) -> Option<LanguageError> {
        let json = self.text.trim_end_matches(SEPARATOR);
        let prefix = json.len() - json.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let error = serde_json::from_str::<IgnoredAny>(&json[prefix..]).err()?;
        // A parser that builds a tree has better errors.
        let error = serde_json::from_str::<Value>(&json[prefix..])
            .err()
            .unwrap_or(error);
        let line_start: usize = json[prefix..]
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        // A column counts from 1, and 0 is the end of the line before.
        let at = (prefix + line_start + error.column().saturating_sub(1))
            .min(json.len().saturating_sub(1));
        let at = beginning(json, at);
        let told = error.to_string();
        let reason = told.split(" at line ").next().unwrap_or_default();
        let (span, source) = self.origin(at);
        let hole = match source {
            Source::Hole => Some(span.clone()),
            Source::Literal => self.hole_beside(at),
        };
        let is_first = at <= prefix + 1;
        let help = help(reason, hole.map(|hole| &text[hole]), is_first);
        Some(LanguageError::new(
            span,
            format!("invalid JSON, with `null` for its holes: {reason}"),
            help,
        ))
    }

    /// The origin in the template of a byte of this text.
    fn origin(&self, at: usize) -> (Range<usize>, Source) {
        let found = self.parts.iter().find(|(filled, ..)| filled.contains(&at));
        match found {
            Some((filled, span, Source::Literal)) => {
                let start = span.start + (at - filled.start);
                let length = self.text[at..].chars().next().map_or(0, char::len_utf8);
                (start..start + length, Source::Literal)
            }
            Some((_, span, Source::Hole)) => (span.clone(), Source::Hole),
            None => (0..0, Source::Literal),
        }
    }

    /// The hole outside of quotes that ends or begins here.
    fn hole_beside(&self, at: usize) -> Option<Range<usize>> {
        let beside = |filled: &Range<usize>| {
            !filled.is_empty() && (filled.end == at || filled.start == at + 1)
        };
        let found = self
            .parts
            .iter()
            .find(|(filled, _, source)| *source == Source::Hole && beside(filled));
        found.map(|(_, span, _)| span.clone())
    }
}

/// The start of the character that contains this byte.
fn beginning(text: &str, at: usize) -> usize {
    let mut places = (0..=at).rev();
    places
        .find(|place| text.is_char_boundary(*place))
        .unwrap_or_default()
}

fn help(reason: &str, hole: Option<&str>, is_first: bool) -> String {
    match (reason, hole) {
        (reason, Some(hole)) if reason.contains("key must be a string") => {
            format!(
                "a hole outside of quotes is a value: for a key write {}",
                quoted(&format!("\"{hole}\""))
            )
        }
        ("trailing comma", _) => "leave out the comma before it".to_owned(),
        ("EOF while parsing a string", _) => "a quote is missing".to_owned(),
        (reason, _) if reason.starts_with("EOF while") => "write what closes it".to_owned(),
        (_, Some(hole)) => format!(
            "{} outside of quotes is a whole value: nothing may be glued to it",
            quoted(hole)
        ),
        _ if is_first => "a template that begins with `{` or `[` is JSON: for another text write that as a hole, `${\"[\"}`".to_owned(),
        _ => "look for a missing quote or comma before it".to_owned(),
    }
}
