//! Errors about unexpected characters, with what was probably meant.

use std::ops::Range;

use super::{
    super::error::{LanguageError, quoted},
    ast::{Ast, AstKind},
    lexer::Lexer,
};

/// `in` where a value is expected.
pub(super) fn reserved(span: Range<usize>) -> LanguageError {
    let message = "invalid name `in`: it is a word of the language";
    LanguageError::new(
        span,
        message,
        "write a value before it, and a list behind it: `/x in [1, 2]`",
    )
}

/// The next text, where a value is expected, begins none.
pub(super) fn value(lexer: &Lexer<'_>) -> LanguageError {
    let rest = lexer.rest();
    let Some(first) = rest.chars().next() else {
        let help = "write a pointer, a name, a text, a number or a call";
        return match lexer.text().trim().is_empty() {
            true => lexer.error(0, "invalid expression: it is empty", help),
            false => lexer.error(0, "expected a value at the end", help),
        };
    };
    let found = quoted(rest.get(..first.len_utf8()).unwrap_or_default());
    match first {
        '\'' => single_quote(lexer),
        '.' => {
            let digits: String = rest[1..].chars().take_while(char::is_ascii_digit).collect();
            let written = quoted(&format!(".{digits}"));
            let help = format!(
                "write {}, with a digit before the dot",
                quoted(&format!("0.{digits}"))
            );
            lexer.error(1 + digits.len(), format!("invalid number {written}"), help)
        }
        '=' => lexer.error(
            1,
            format!("expected a value, found {found}"),
            "write `==` to compare, and a value on each side",
        ),
        '-' => lexer.error(
            1,
            "invalid sign `-`: it stands only before digits",
            "write `0 - x`",
        ),
        '+' => lexer.error(
            1,
            "invalid sign `+`: a number is written without it",
            "leave it out",
        ),
        '!' => lexer.error(
            1,
            "expected a value, found `!`",
            "`!` stands before a condition; write it with parentheses: `(!x)`",
        ),
        '#' => comment(lexer),
        '$' | '{' => lexer.error(
            1,
            format!("expected a value, found {found}"),
            "write names and pointers without `${` and `}`",
        ),
        ')' | ']' | ',' => lexer.error(
            first.len_utf8(),
            format!("expected a value before {found}"),
            "write a pointer, a name, a text, a number or a call",
        ),
        _ => lexer.error(
            first.len_utf8(),
            format!("expected a value, found {found}"),
            "write a pointer, a name, a text, a number or a call",
        ),
    }
}

/// The next text, after a value, is not an operator.
pub(super) fn operator(lexer: &Lexer<'_>, before: Option<&Ast<'_>>) -> LanguageError {
    let rest = lexer.rest();
    let Some(first) = rest.chars().next() else {
        return lexer.error(0, "invalid expression: it ends too early", "");
    };
    let found = quoted(rest.get(..first.len_utf8()).unwrap_or_default());
    let invalid = |length: usize, help: &str| {
        let written = quoted(rest.get(..length).unwrap_or(rest));
        lexer.error(length, format!("invalid operator {written}"), help)
    };
    match first {
        '=' => invalid(1, "write `==` to compare"),
        '|' => invalid(1, "write `||` for \"or\""),
        '&' => invalid(1, "write `&&` for \"and\""),
        '/' => slash(lexer, before),
        '*' | '%' | '^' | '?' => invalid(
            1,
            "there are `+` and `-` for whole numbers, and `~` to join",
        ),
        '\'' => single_quote(lexer),
        '#' => comment(lexer),
        '!' => invalid(1, "write `!=` to compare, or `&& !` before a condition"),
        '(' => parenthesis(lexer, before),
        ')' | ']' | '}' => lexer.error(
            1,
            format!("{found} closes nothing"),
            "leave it out, or open it before",
        ),
        '.' => lexer.error(
            1,
            format!("expected an operator, found {found}"),
            "a part of the message is named by a pointer: `/data/t`",
        ),
        '"' | '[' => missing(lexer, 1, &found),
        _ => match lexer.peek_word() {
            "and" => invalid(3, "write `&&`"),
            "or" => invalid(2, "write `||`"),
            "not" => invalid(3, "write `!`"),
            "" => missing(lexer, first.len_utf8(), &found),
            word => missing(lexer, word.len(), &quoted(word)),
        },
    }
}

fn missing(lexer: &Lexer<'_>, length: usize, found: &str) -> LanguageError {
    let message = format!("expected an operator before {found}");
    lexer.error(
        length,
        message,
        "write `==` to compare, `~` to join, or `&&` between conditions",
    )
}

fn slash(lexer: &Lexer<'_>, before: Option<&Ast<'_>>) -> LanguageError {
    let message = "invalid operator `/`: there is no division";
    let start = lexer.at();
    let value = before.and_then(|before| last(before, start));
    if let Some(AstKind::Name(name)) = value.map(|value| &value.kind) {
        let end = lexer
            .rest()
            .find(char::is_whitespace)
            .unwrap_or(lexer.rest().len());
        let pointer = quoted(&format!("/{name}{}", &lexer.rest()[..end]));
        return lexer.error(
            1,
            message,
            format!("a pointer begins with a slash: {pointer}"),
        );
    }
    lexer.error(
        1,
        message,
        "a pointer is a value: write an operator before it",
    )
}

fn parenthesis(lexer: &Lexer<'_>, before: Option<&Ast<'_>>) -> LanguageError {
    let name = before.and_then(|before| last(before, lexer.text()[..lexer.at()].trim_end().len()));
    match name.map(|name| &name.kind) {
        Some(AstKind::Name(name)) => {
            let help = format!(
                "a call has its parenthesis directly behind its name: {}",
                quoted(&format!("{name}("))
            );
            lexer.error(1, "expected an operator, found `(`", help)
        }
        _ => missing(lexer, 1, "`(`"),
    }
}

/// The smallest part that ends here.
fn last<'a, 't>(ast: &'a Ast<'t>, end: usize) -> Option<&'a Ast<'t>> {
    if ast.span.end != end || ast.in_parentheses {
        return None;
    }
    let inner = match &ast.kind {
        AstKind::Or(parts) | AstKind::And(parts) | AstKind::Join(parts) => parts.last(),
        AstKind::Sum(_, parts) => parts.last().map(|(_, part)| part),
        AstKind::Compare(_, sides) => Some(&sides[1]),
        AstKind::Not(inner) => Some(&**inner),
        _ => None,
    };
    inner.map_or(Some(ast), |inner| last(inner, end))
}

fn single_quote(lexer: &Lexer<'_>) -> LanguageError {
    let rest = lexer.rest();
    let end = rest[1..].find('\'').map_or(rest.len(), |at| at + 2);
    let written = &rest[..end];
    let right = quoted(&format!("\"{}\"", written.trim_matches('\'')));
    lexer.error(
        end,
        format!("invalid text {}", quoted(written)),
        format!("a text stands between `\"`: {right}"),
    )
}

fn comment(lexer: &Lexer<'_>) -> LanguageError {
    let rest = lexer.rest();
    lexer.error(
        rest.len(),
        format!("invalid expression: {} is not a part of one", quoted(rest)),
        "there are no comments in an expression",
    )
}
