//! Compares values: numbers as numbers, texts byte by byte; an absent value equals nothing.

use std::cmp::Ordering;

use super::{Data, Value, elements};
use crate::language::json::Number;

/// Whether both are present and equal. A text never equals a number.
pub(in super::super) fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (&a.data, &b.data) {
        (Data::Null, Data::Null) => true,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        (Data::Number(a), Data::Number(b)) => a == b || numbers(a, b) == Some(Ordering::Equal),
        (Data::Json(_) | Data::List(_), Data::Json(_) | Data::List(_)) => {
            match (compact(a), compact(b)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            }
        }
        _ => texts(a, b) == Some(Ordering::Equal),
    }
}

/// The order of two numbers, or of two texts; `None` for any other two.
pub(in super::super) fn order(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (&a.data, &b.data) {
        (Data::Number(a), Data::Number(b)) => numbers(a, b),
        _ => texts(a, b),
    }
}

/// Whether it equals an element of a list, which may be a JSON array.
pub(in super::super) fn is_in(value: &Value<'_>, list: &Value<'_>) -> bool {
    match &list.data {
        Data::List(items) => items.iter().any(|item| equal(value, item)),
        Data::Json(json) => elements(json)
            .is_some_and(|mut items| items.any(|item| equal(value, &Value::json(item)))),
        _ => false,
    }
}

fn numbers(a: &str, b: &str) -> Option<Ordering> {
    Some(Number::parse(a)?.cmp(&Number::parse(b)?))
}

fn texts(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    Some(bytes(a)?.cmp(bytes(b)?))
}

/// The bytes of a text, or of bytes.
fn bytes<'v>(value: &'v Value<'_>) -> Option<&'v [u8]> {
    match &value.data {
        Data::Text(text) => Some(text.as_bytes()),
        Data::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn compact(value: &Value<'_>) -> Option<String> {
    let mut out = String::new();
    value.write_json(&mut out)?;
    Some(out)
}
