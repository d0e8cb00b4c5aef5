//! Concatenates values.

use memchr::memchr3;

use super::{Data, Marks, Origin, Value};

/// Room for a text of a few parts, which is usual: nonces, timestamps, signed data.
const ROOM: usize = 64;

/// The concatenation of all: bytes if one of them is bytes; absent if one is absent or null, or if
/// it is longer than `max`.
pub(in super::super) fn join<'a>(
    parts: impl IntoIterator<Item = Value<'a>>,
    max: usize,
) -> Value<'static> {
    let mut joined = Joined::Text(String::with_capacity(ROOM));
    let mut marks = Marks::default();
    for part in parts {
        marks = marks.and(checked(&part));
        if joined.push(&part, max).is_none() {
            return Value::new(Data::Absent, marks);
        }
    }
    let data = match joined {
        Joined::Text(text) => Data::Text(text.into()),
        Joined::Bytes(bytes) => Data::Bytes(bytes.into()),
    };
    Value::new(data, marks)
}

/// The concatenation so far.
enum Joined {
    Text(String),
    /// Because one of the parts is bytes.
    Bytes(Vec<u8>),
}

impl Joined {
    fn push(&mut self, part: &Value<'_>, max: usize) -> Option<()> {
        if let (Self::Text(text), Data::Bytes(_)) = (&mut *self, &part.data) {
            *self = Self::Bytes(std::mem::take(text).into_bytes());
        }
        match self {
            Self::Text(joined) => {
                let text = part.as_text()?;
                let text = (text.len() <= max - joined.len()).then_some(text)?;
                joined.push_str(&text);
            }
            Self::Bytes(joined) => {
                let bytes = part.as_bytes()?;
                let bytes = (bytes.len() <= max - joined.len()).then_some(bytes)?;
                joined.extend_from_slice(&bytes);
            }
        }
        Some(())
    }
}

/// The marks of a concatenated value: a peer's line end in it is looked for now.
fn checked(part: &Value<'_>) -> Marks {
    let mut marks = part.marks;
    if marks.origin == Origin::Peer && !part.has_line_end() {
        marks.origin = Origin::Checked;
    }
    marks
}

impl Value<'_> {
    /// Whether a peer chose it, with a character that ends a line of a protocol, or a C string.
    pub(in super::super) fn breaks_lines(&self) -> bool {
        self.marks.origin == Origin::Peer && self.has_line_end()
    }

    fn has_line_end(&self) -> bool {
        let has = |bytes: &[u8]| memchr3(b'\r', b'\n', 0, bytes).is_some();
        match &self.data {
            Data::Text(text) => has(text.as_bytes()),
            Data::Bytes(bytes) => has(bytes),
            // Compact JSON contains none.
            Data::Absent
            | Data::Null
            | Data::Bool(_)
            | Data::Number(_)
            | Data::Json(_)
            | Data::List(_) => false,
        }
    }
}
