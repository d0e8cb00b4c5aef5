//! Parts of texts or bytes.

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

use super::super::value::{Data, Value};

/// The part after the first mark.
pub(in super::super) fn after<'a>(x: Value<'a>, mark: &Value<'_>) -> Value<'a> {
    let range = || {
        let (text, mark) = (bytes(&x)?, bytes(mark)?);
        Some(memmem::find(text, mark)? + mark.len()..text.len())
    };
    let range = range();
    part(x, range).marked(mark.marks)
}

/// The part between the first of one mark, and the next of another.
pub(in super::super) fn between<'a>(x: Value<'a>, from: &Value<'_>, to: &Value<'_>) -> Value<'a> {
    let range = || {
        let (text, from, to) = (bytes(&x)?, bytes(from)?, bytes(to)?);
        let start = memmem::find(text, from)? + from.len();
        Some(start..start + memmem::find(&text[start..], to)?)
    };
    let range = range();
    part(x, range).marked(from.marks.and(to.marks))
}

/// Whether a text begins with another.
pub(in super::super) fn starts(x: &Value<'_>, beginning: &Value<'_>) -> bool {
    matches!((bytes(x), bytes(beginning)), (Some(x), Some(beginning)) if x.starts_with(beginning))
}

/// Whether a text contains another.
pub(in super::super) fn contains(x: &Value<'_>, part: &Value<'_>) -> bool {
    matches!((bytes(x), bytes(part)), (Some(x), Some(part)) if memmem::find(x, part).is_some())
}

/// The bytes of a text, or of bytes; `None` for other values.
fn bytes<'v>(value: &'v Value<'_>) -> Option<&'v [u8]> {
    match &value.data {
        Data::Text(text) => Some(text.as_bytes()),
        Data::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn part(x: Value<'_>, range: Option<Range<usize>>) -> Value<'_> {
    let part = range.and_then(|range| match x.data {
        Data::Text(Cow::Borrowed(text)) => Some(Data::Text(text.get(range)?.into())),
        Data::Text(Cow::Owned(text)) => Some(Data::Text(text.get(range)?.to_owned().into())),
        Data::Bytes(Cow::Borrowed(bytes)) => Some(Data::Bytes(bytes.get(range)?.into())),
        Data::Bytes(Cow::Owned(bytes)) => Some(Data::Bytes(bytes.get(range)?.to_owned().into())),
        _ => None,
    });
    Value::new(part.unwrap_or(Data::Absent), x.marks)
}
