//! The tokens of a fleet's strings: `{i}`, `{i:0N}`, `{name}`, `{column}`. All other braces are literal.

use std::borrow::Cow;

use super::Row;
use crate::config::read::{Entry, Node, Value};

/// Whether a string in this tree has a brace, and so perhaps a token.
pub(in crate::config) fn has_braces(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => text.contains('{'),
        Value::Array(items) => items.iter().any(has_braces),
        Value::Table(entries) => entries.iter().any(|entry| has_braces(&entry.node)),
        _ => false,
    }
}

/// Expands the tokens in the key's value for a row; `name` is the connection's.
///
/// An inserted value is never taken for a variable: its `${` becomes `$${`.
pub(in crate::config) fn expand_entry(entry: &Entry, row: &Row, name: &str) -> Entry {
    Entry {
        key: entry.key.clone(),
        place: entry.place,
        node: expand_node(&entry.node, row, name),
    }
}

fn expand_node(node: &Node, row: &Row, name: &str) -> Node {
    let value = match &node.value {
        Value::String(text) => Value::String(expand_text(text, row, name)),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| expand_node(item, row, name))
                .collect(),
        ),
        Value::Table(entries) => Value::Table(
            entries
                .iter()
                .map(|entry| expand_entry(entry, row, name))
                .collect(),
        ),
        other => other.clone(),
    };
    Node {
        place: node.place,
        value,
    }
}

/// Expands the tokens of a text for a row; `name` is the connection's.
pub(super) fn expand_text(text: &str, row: &Row, name: &str) -> String {
    expand(text, |token| {
        let value = row
            .value(token)
            .or_else(|| (token == "name").then_some(name.into()))?;
        Some(match value.contains("${") {
            true => value.replace("${", "$${").into(),
            false => value,
        })
    })
}

/// Replaces each `{token}` that has a value, in one pass: inserted text is not searched again.
pub(in crate::config) fn expand<'a>(
    text: &str,
    value: impl Fn(&str) -> Option<Cow<'a, str>>,
) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let token = from[1..].split_once('}').map(|(token, _)| token);
        // `${i}` is a variable, not a token.
        let value = token
            .filter(|_| !expanded.ends_with('$'))
            .and_then(|token| Some((token, value(token)?)));
        match value {
            Some((token, value)) => {
                expanded.push_str(&value);
                rest = &from[token.len() + 2..];
            }
            None => {
                expanded.push('{');
                rest = &from[1..];
            }
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> String {
        let row = Row::numbered(7);
        expand(text, |token| row.value(token))
    }

    #[test]
    fn only_exact_tokens_expand() {
        for (text, expanded) in [
            ("cp-{i}", "cp-7"),
            ("cp-{i:04}", "cp-0007"),
            ("{\"id\":{i}}", "{\"id\":7}"),
            ("{{i}}", "{7}"),
            ("{i", "{i"),
            ("{i }", "{i }"),
            ("{i:4}", "{i:4}"),
            ("{i:0}", "{i:0}"),
            ("{i:0999}", "{i:0999}"),
            ("{}", "{}"),
            ("{I}", "{I}"),
            ("${i}", "${i}"),
            ("$${i}", "$${i}"),
            ("${file:keys/{i}}", "${file:keys/7}"),
            ("{name}", "{name}"),
        ] {
            assert_eq!(row(text), expanded, "{text}");
        }
    }

    #[test]
    fn what_is_put_in_is_not_expanded_again() {
        let value = |token: &str| (token == "a").then(|| Cow::from("{a}"));
        assert_eq!(expand("{a}{a}", value), "{a}{a}");
    }
}
