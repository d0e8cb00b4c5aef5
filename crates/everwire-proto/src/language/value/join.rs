//! Values put beside each other.

use memchr::memchr3;

use super::{Data, Marks, Origin, Value};

/// All of these, one behind the other: bytes if one of them is bytes, absent if one is absent or null, or if it is longer than this.
pub(in super::super) fn join<'a>(
    parts: impl IntoIterator<Item = Value<'a>>,
    max: usize,
) -> Value<'static> {
    let mut joined = Vec::new();
    let mut marks = Marks::default();
    let mut is_text = true;
    for part in parts {
        marks = marks.and(checked(&part));
        is_text &= !matches!(part.data, Data::Bytes(_));
        let bytes = part
            .as_bytes()
            .filter(|bytes| bytes.len() <= max - joined.len());
        let Some(bytes) = bytes else {
            return Value::new(Data::Absent, marks);
        };
        joined.extend_from_slice(&bytes);
    }
    let data = match is_text {
        true => String::from_utf8(joined).map_or(Data::Absent, |text| Data::Text(text.into())),
        false => Data::Bytes(joined.into()),
    };
    Value::new(data, marks)
}

/// The marks of a value that is put beside others: whether a peer put a line end there is looked at now.
fn checked(part: &Value<'_>) -> Marks {
    let mut marks = part.marks;
    if marks.origin == Origin::Peer && !part.has_line_end() {
        marks.origin = Origin::Checked;
    }
    marks
}

impl Value<'_> {
    /// Whether a peer chose it and put a character into it that ends a line of a protocol, or a text of C.
    pub(in super::super) fn breaks_lines(&self) -> bool {
        self.marks.origin == Origin::Peer && self.has_line_end()
    }

    fn has_line_end(&self) -> bool {
        let has = |bytes: &[u8]| memchr3(b'\r', b'\n', 0, bytes).is_some();
        match &self.data {
            Data::Text(text) => has(text.as_bytes()),
            Data::Bytes(bytes) => has(bytes),
            // As compact JSON they have none.
            Data::Absent
            | Data::Null
            | Data::Bool(_)
            | Data::Number(_)
            | Data::Json(_)
            | Data::List(_) => false,
        }
    }
}
