//! A text parsed by `serde_json`, and the targets in it.

use serde_json::Value;

use super::super::{JsonPointer, Scalar};

pub(super) fn pointer(text: &str) -> JsonPointer {
    JsonPointer::new(text).unwrap()
}

/// A text as a tree; for duplicate keys it has the last value.
pub(super) fn tree(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Pointers to all values.
pub(super) fn all_paths(value: &Value, at: String, paths: &mut Vec<String>) {
    let mut step = |key: &str, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        all_paths(value, format!("{at}/{key}"), paths);
    };
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(at, item)| step(&at.to_string(), item));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| step(key, value)),
        _ => {}
    }
    paths.push(at);
}

pub(super) fn scalar(value: &Value) -> Option<Scalar<'_>> {
    Some(match value {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Scalar::Unsigned(number),
            (None, Some(number)) => Scalar::Signed(number),
            (None, None) => Scalar::Float(number.as_f64()?),
        },
        Value::String(text) => Scalar::Text(text.into()),
        Value::Array(_) | Value::Object(_) => return None,
    })
}
