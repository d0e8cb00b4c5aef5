//! Values put beside each other.

use memchr::memchr3;

use super::{Data, Marks, Origin, Value};

/// Room for a text of a few parts, which most are: nonces, stamps, what is signed.
const ROOM: usize = 64;

/// All of these, one behind the other: bytes if one of them is bytes, absent if one is absent or null, or if it is longer than this.
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

/// What is joined so far.
enum Joined {
    Text(String),
    /// Since one of the parts is bytes.
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
