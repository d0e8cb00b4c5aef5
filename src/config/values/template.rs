//! Strings in which `${NAME}`, `${file:PATH}` and `${secret:ID}` are expanded.

use std::borrow::Cow;

use super::text::escaped;
use crate::{
    config::read::{Context, Node, Place, Problem, Value, backticked},
    core::ConnectionName,
    transport::read_secret_file,
};
use everwire_proto::language::{Part, Secret, Template};

/// Warns about `$NAME` where `${NAME}` may be meant: it is sent literally. `is_edge`: whether a
/// character may be next to it. In the middle of a word it may be part of a password.
pub(super) fn warn_of_unbraced(
    text: &str,
    node: &Node,
    is_edge: fn(char) -> bool,
    context: &mut Context<'_>,
) {
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        let ahead = text[..at].chars().next_back().is_none_or(is_edge);
        let behind = rest[name.len()..].chars().next().is_none_or(is_edge);
        if name.len() > 1 && is_variable(name) && ahead && behind {
            let message = format!("`${name}` is sent as it is: it is not a variable");
            let help = format!("write ${{{name}}} for the variable of the environment");
            let problem = Problem::new(node.place, message).help(help);
            context.problems.warn(problem);
        }
    }
}

/// Splits the text at `place` into literals and variables, and looks the variables up; `None` if
/// one is wrong.
pub(in crate::config) fn expand_template(
    text: &str,
    place: Place,
    context: &mut Context<'_>,
) -> Option<Template> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut right = true;
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            literal.push_str(&rest[..at - 1]);
            literal.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        literal.push_str(&rest[..at]);
        let variable = &rest[at..];
        let Some(end) = variable.find('}') else {
            let place = context.within(place, "${");
            context.wrong(
                place,
                "`${` is not closed",
                "write ${NAME}, or $${ for a literal ${",
            );
            return None;
        };
        let part = variable_part(&variable[..=end], place, context);
        right &= part.is_some();
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal).into()));
        }
        parts.extend(part);
        rest = &variable[end + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    right.then(|| Template::from_parts(parts))
}

/// Warns about a `${file:PATH}` that a dial could not read now. It is not an error: only this
/// connection waits for the file.
pub(in crate::config) fn warn_of_missing_file(place: Place, path: &str, context: &mut Context<'_>) {
    let resolved = context.resolve(place, path);
    let paths = vec![resolved.clone()];
    let read = || read_secret_file(&resolved).map(drop);
    if let Some(wrong) = context.look_at_later_files("secret", paths, read) {
        let problem = Problem::new(place, wrong).help(
            "it is read before each dial: write the file before then; a relative path starts at the folder of this file",
        );
        context.problems.warn(problem);
    }
}

/// The meaning of a whole `${…}`.
fn variable_part(variable: &str, place: Place, context: &mut Context<'_>) -> Option<Part> {
    let place = context.within(place, variable);
    let quoted = backticked(variable);
    let inner = &variable[2..variable.len() - 1];
    let reaches_out = inner.starts_with("file:") || is_variable(inner);
    let help = "PUT the value to /v1/secrets/ID, and write ${secret:ID}";
    if reaches_out && context.refuse_over_api(place, &quoted, help) {
        return None;
    }
    if let Some(path) = inner.strip_prefix("file:") {
        if path.is_empty() || path.contains('\0') {
            context.wrong(place, format!("{quoted} has no path"), "write ${file:PATH}");
            return None;
        }
        warn_of_missing_file(place, path, context);
        return Some(Part::File(context.resolve(place, path)));
    }
    if let Some(id) = inner.strip_prefix("secret:") {
        let Err(error) = ConnectionName::new(id) else {
            return Some(Part::Stored(id.into()));
        };
        let message = format!("invalid secret id in {quoted}: {error}");
        context.wrong(place, message, "write ${secret:ID}");
        return None;
    }
    if is_variable(inner) {
        let Some(value) = context.source.variable(inner) else {
            let message = format!("the environment variable `{inner}` is not set");
            context.wrong(
                place,
                message,
                "set it, or use ${file:PATH}; a literal ${ is written $${",
            );
            return None;
        };
        return Some(Part::Env {
            name: inner.into(),
            value: Secret::new(value),
        });
    }
    let upper = inner.to_ascii_uppercase();
    let is_expression = inner.starts_with('/')
        || inner.contains('(')
        || (is_variable(&upper) && *inner == inner.to_ascii_lowercase());
    if is_expression {
        let message = format!("expressions are not filled in here: {quoted}");
        let help = "write ${NAME} in upper case, ${file:PATH} or ${secret:ID}; a literal ${ is written $${";
        context.wrong(place, message, help);
    } else if is_variable(&upper) {
        let help = format!("a variable is written in upper case: ${{{upper}}}");
        context.wrong(place, format!("invalid variable {quoted}"), help);
    } else {
        let help = "write ${NAME} or ${file:PATH}; a literal ${ is written $${";
        context.wrong(place, format!("invalid variable {quoted}"), help);
    }
    None
}

/// Whether this is the name of an environment variable, as in `${NAME}`.
pub(super) fn is_variable(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit())
}

pub(super) fn string<'a>(
    node: &'a Node,
    context: &mut Context<'_>,
    expected: &str,
) -> Option<&'a str> {
    match &node.value {
        Value::String(text) => Some(text),
        _ => context.wrong_type(node, expected),
    }
}

/// A string. If the value is something else, the error does not describe it.
pub(in crate::config) fn secret_string<'a>(
    node: &'a Node,
    context: &mut Context<'_>,
    what: &str,
) -> Option<&'a str> {
    if let Value::String(text) = &node.value {
        return Some(text);
    }
    let problem = Problem::new(node.place, format!("expected {what}, as a string"));
    context.problems.push(problem);
    None
}

/// The known parts of a template at load time: literals and variables, not files.
pub(super) fn known(template: &Template) -> impl Iterator<Item = (Option<&str>, &str)> {
    template.parts().iter().filter_map(|part| match part {
        Part::Literal(text) => Some((None, &**text)),
        Part::Env { name, value } => Some((Some(&**name), value.expose())),
        Part::File(_) | Part::Stored(_) | Part::Hole(_) => None,
    })
}

/// Reports which part of a template breaks a rule for characters, without its value.
pub(super) fn refuse_characters(
    template: &Template,
    node: &Node,
    what: &str,
    refused: fn(char) -> bool,
    rule: &str,
    context: &mut Context<'_>,
) {
    for (variable, text) in known(template) {
        if !text.contains(refused) {
            continue;
        }
        let message: Cow<'_, str> = match variable {
            Some(name) => format!("the value of `${{{name}}}` {rule}").into(),
            None => format!("{what} {rule}").into(),
        };
        context.problems.push(Problem::new(node.place, message));
    }
}

/// A template in the notation of a file.
pub(in crate::config) fn escaped_template(template: &Template) -> String {
    let write = |part: &Part| match part {
        Part::Literal(text) => escaped(text),
        part => Template::from_parts([part.clone()]).to_string(),
    };
    template.parts().iter().map(write).collect()
}
