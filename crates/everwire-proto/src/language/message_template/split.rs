//! Splits the text of a template into pieces.

use std::ops::Range;

use super::{
    super::{
        Expression, LanguageError, Part, Scope,
        error::quoted,
        expression::{Unset, variable},
    },
    piece::{Piece, PieceKind},
};

/// The pieces of a text, in order; literals as they are written.
pub(super) fn split(text: &str, scope: &mut Scope<'_>) -> Result<Vec<Piece>, Vec<LanguageError>> {
    let mut pieces = Vec::new();
    let mut errors = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let hole = at + found;
        if text[at..hole].ends_with('$') {
            // `$${` is a literal `${`.
            literal(&mut pieces, text, at..hole - 1);
            literal(&mut pieces, text, hole..hole + 2);
            at = hole + 2;
            continue;
        }
        literal(&mut pieces, text, at..hole);
        let Some(length) = hole_length(&text[hole..]) else {
            let help = "write ${NAME}, or $${ for a literal ${";
            errors.push(LanguageError::new(
                hole..text.len(),
                "`${` is not closed",
                help,
            ));
            return Err(errors);
        };
        at = hole + length;
        let inner = &text[hole + 2..at - 1];
        match hole_piece(inner, hole..at, scope) {
            Ok(kind) => pieces.push(Piece::new(kind, hole..at)),
            Err(wrong) => errors.extend(wrong),
        }
    }
    literal(&mut pieces, text, at..text.len());
    match errors.is_empty() {
        true => Ok(pieces),
        false => Err(errors),
    }
}

fn literal(pieces: &mut Vec<Piece>, text: &str, span: Range<usize>) {
    if !span.is_empty() {
        let kind = PieceKind::Literal(text[span.clone()].into());
        pieces.push(Piece::new(kind, span));
    }
}

/// The length of the `${…}` at the start of a text: a `}` within a text of an expression does not
/// end it.
fn hole_length(text: &str) -> Option<usize> {
    let first = text.find('}')? + 1;
    let inner = &text[2..first - 1];
    if is_shipped(inner) {
        return Some(first);
    }
    let mut in_text = false;
    let mut bytes = text.bytes().enumerate().skip(2);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if in_text => drop(bytes.next()),
            b'"' => in_text = !in_text,
            b'}' if !in_text => return Some(at + 1),
            _ => {}
        }
    }
    // A text in it is not closed, which the expression reports.
    Some(first)
}

fn is_shipped(inner: &str) -> bool {
    inner.starts_with("file:") || inner.starts_with("secret:") || is_variable(inner)
}

/// Names of variables, as in `${NAME}`.
fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// The content of `${…}`.
fn hole_piece(
    inner: &str,
    span: Range<usize>,
    scope: &mut Scope<'_>,
) -> Result<PieceKind, Vec<LanguageError>> {
    if is_shipped(inner) {
        let part = shipped_part(inner, scope)
            .map_err(|(message, help)| vec![LanguageError::new(span, message, help)]);
        return part.map(PieceKind::Variable);
    }
    let warned = scope.warnings.len();
    let offset = span.start + 2;
    let expression = Expression::value(inner, scope);
    for warning in &mut scope.warnings[warned..] {
        *warning = warning.clone().moved(offset);
    }
    match expression {
        Ok(expression) => Ok(PieceKind::Hole(Box::new(expression))),
        Err(errors) => Err(errors
            .into_iter()
            .map(|error| error.moved(offset))
            .collect()),
    }
}

type Wrong = (String, &'static str);

fn shipped_part(inner: &str, scope: &Scope<'_>) -> Result<Part, Wrong> {
    let written = quoted(&format!("${{{inner}}}"));
    let over_api = || {
        let help = "PUT the value to /v1/secrets/ID, and write ${secret:ID}";
        (format!("{written} is not allowed over the API"), help)
    };
    if let Some(path) = inner.strip_prefix("file:") {
        if !scope.outside.is_open() {
            return Err(over_api());
        }
        if path.is_empty() || path.contains('\0') {
            return Err((format!("{written} has no path"), "write ${file:PATH}"));
        }
        return Ok(Part::File(scope.outside.file(path)));
    }
    if let Some(id) = inner.strip_prefix("secret:") {
        let named = scope.outside.secret_id(id);
        named.map_err(|error| {
            (
                format!("invalid secret id in {written}: {error}"),
                "write ${secret:ID}",
            )
        })?;
        return Ok(Part::Stored(id.into()));
    }
    match variable(scope, inner) {
        Ok(value) => Ok(Part::Env {
            name: inner.into(),
            value,
        }),
        Err(Unset::NotAllowed) => Err(over_api()),
        Err(unset) => Err((
            unset.told(inner),
            "set it, or use ${file:PATH}; a literal ${ is written $${",
        )),
    }
}
