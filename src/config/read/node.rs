//! A configuration as a tree with the place of each part.

use super::Place;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Node {
    pub place: Place,
    pub value: Value,
}

/// A value of TOML.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// JSON has it, and TOML does not. No key accepts it; it may be within an item.
    Null,
    /// As it was written; no key accepts one.
    Datetime(String),
    Array(Vec<Node>),
    Table(Table),
}

/// A table's entries, in the order of the file.
pub(in crate::config) type Table = Vec<Entry>;

/// A key, its place, and its value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Entry {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

impl Node {
    /// Whether it is a table with this key.
    pub fn has(&self, key: &str) -> bool {
        match &self.value {
            Value::Table(entries) => entries.iter().any(|entry| entry.key == key),
            _ => false,
        }
    }

    /// A readable description of this value, for errors.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::String(text) => format!("the string {:?}", clipped(text)),
            Value::Integer(number) => format!("the integer {number}"),
            Value::Float(number) => format!("the float {number}"),
            Value::Boolean(value) => format!("the boolean {value}"),
            Value::Null => "null".into(),
            Value::Datetime(text) => format!("the date {text}"),
            Value::Array(_) => "an array".into(),
            Value::Table(_) => "a table".into(),
        }
    }
}

/// A text short enough to be quoted in an error.
pub(in crate::config) fn clipped(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

/// A key or a name in backticks, clipped.
pub(in crate::config) fn backticked(text: &str) -> String {
    format!("`{}`", clipped(text).escape_debug())
}
