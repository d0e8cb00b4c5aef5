//! From TOML text to the tree, as far as the text is TOML.

use std::{borrow::Cow, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error},
};

use super::{Entry, Node, Place, Problem, Problems, Table, Value, backticked};

/// How many lines without a value are repaired. After more of them the rest of the file is ignored.
const MAX_REPAIRS: usize = 100;

/// Parses a file's text as far as possible; errors are reported.
pub(in crate::config) fn parse(text: &str, file: u32, problems: &mut Problems) -> Table {
    let (root, mut errors) = DeTable::parse_recoverable(text);
    // The parser stops at a key without a value, but not if that line is removed.
    let repaired = without_lines(
        text,
        errors
            .iter()
            .filter(|error| error.message().starts_with("key with no value")),
    );
    let root = match &repaired {
        Cow::Borrowed(_) => root,
        Cow::Owned(repaired) => {
            let (root, more) = DeTable::parse_recoverable(repaired);
            errors.extend(more);
            root
        }
    };
    if let Some(offset) = garbled_from(&errors) {
        errors.retain(|error| start(error) <= offset || is_unclosed(error));
        problems.distrust(Place::new(file, offset + 1..text.len()));
    }
    drop_keys_of_a_second_table(text, &mut errors);
    for error in &errors {
        problems.push(problem(text, file, error));
        if let Some(keys) = keys_without_header(text, error) {
            problems.distrust(Place::new(file, keys));
        }
    }
    Builder { file, problems }.table(root.get_ref())
}

fn start(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// The text with the lines of these errors blanked; everything else stays in place.
fn without_lines<'a, 'e>(text: &'a str, errors: impl Iterator<Item = &'e Error>) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for error in errors.take(MAX_REPAIRS) {
        let at = super::boundary(&text, start(error));
        let first = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |newline| at + newline);
        let blank = " ".repeat(end - first);
        text.to_mut().replace_range(first..end, &blank);
    }
    text
}

/// Where an unclosed array or table starts to swallow the rest of the file.
fn garbled_from(errors: &[Error]) -> Option<usize> {
    let swallows = |error: &&Error| {
        ["missing comma", "unexpected `=`", "missing key for inline"]
            .iter()
            .any(|start| error.message().starts_with(start))
    };
    errors.iter().find(|error| is_unclosed(error))?;
    errors.iter().filter(swallows).map(start).min()
}

/// The lines between a broken table header and the next header: it is unknown whose keys they are.
fn keys_without_header(text: &str, error: &Error) -> Option<Range<usize>> {
    let at = super::boundary(text, start(error));
    let first = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    if error.message() == "duplicate key" || !text[first..].trim_start().starts_with('[') {
        return None;
    }
    let end = text[at..]
        .find("\n[")
        .map_or(text.len(), |next| at + next + 1);
    Some(first..end)
}

/// A table with a duplicate header is reported once, not again for each of its keys.
fn drop_keys_of_a_second_table(text: &str, errors: &mut Vec<Error>) {
    let mut second: Option<Range<usize>> = None;
    errors.retain(|error| {
        let at = super::boundary(text, start(error));
        if error.message() != "duplicate key" {
            return true;
        }
        if second.as_ref().is_some_and(|keys| keys.contains(&at)) {
            return false;
        }
        let first = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        if text[first..].trim_start().starts_with('[') {
            let next = text[at..]
                .find("\n[")
                .map_or(text.len(), |next| at + next + 1);
            second = Some(at + 1..next);
        }
        true
    });
}

fn is_unclosed(error: &Error) -> bool {
    error.message().starts_with("unclosed array")
        || error.message().starts_with("unclosed inline table")
}

fn problem(text: &str, file: u32, error: &Error) -> Problem {
    let place = Place::new(file, error.span().unwrap_or(0..0));
    let quoted = &text[place.range(text)];
    match error.message() {
        "duplicate key" => {
            Problem::syntax(place, format!("{} is written twice", backticked(quoted)))
                .help("each name and each key may be written once")
        }
        message if message.starts_with("string values must be quoted") && !quoted.is_empty() => {
            Problem::syntax(place, "a string must be quoted").help(format!("write {quoted:?}"))
        }
        message if message.starts_with("string values must be quoted") => {
            Problem::syntax(place, "the value is missing")
        }
        message if message.starts_with("unclosed table") => {
            Problem::syntax(place, "unclosed header of a table")
                .help("write `]` at its end, as in [connections.feed]")
        }
        message if message.starts_with("unclosed array") => {
            Problem::syntax(place, message).help("write `]` behind its last item")
        }
        message => Problem::syntax(place, message),
    }
}

struct Builder<'a> {
    file: u32,
    problems: &'a mut Problems,
}

impl Builder<'_> {
    fn table(&mut self, table: &DeTable<'_>) -> Table {
        let mut entries: Table = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().clone().into_owned(),
                place: Place::new(self.file, key.span()),
                node: self.node(value),
            })
            .collect();
        entries.sort_by_key(|entry| entry.place);
        entries
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>) -> Node {
        let place = Place::new(self.file, value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Integer(number) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                if parsed.is_err() {
                    self.problems.push(Problem::syntax(
                        place,
                        "the integer does not fit into 64 bits",
                    ));
                }
                Value::Integer(parsed.unwrap_or_default())
            }
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Value::Boolean(*value),
            DeValue::Datetime(date) => Value::Datetime(date.to_string()),
            DeValue::Array(items) => {
                Value::Array(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { place, value }
    }
}
