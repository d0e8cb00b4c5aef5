//! The values of expressions.

mod compare;
mod join;

use std::{borrow::Cow, fmt};

use super::json::{Items, Kind, RawJson, write_quoted};

pub(super) use self::{
    compare::{equal, is_in, order},
    join::join,
};

/// The value of an expression, with two marks: whether it is secret, and whether a peer chose it.
///
/// Marks pass through all functions and operators. `Debug` shows no secret.
///
/// ```
/// use everwire_proto::language::Value;
///
/// let token = Value::text("abc").secret();
/// assert!(token.is_secret() && token.is_there());
/// assert_eq!(format!("{token:?}"), "***");
/// assert_eq!(token.as_text().as_deref(), Some("abc"));
/// assert!(Value::absent().as_text().is_none());
/// ```
#[derive(Clone, PartialEq)]
pub struct Value<'a> {
    pub(super) data: Data<'a>,
    pub(super) marks: Marks,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Data<'a> {
    /// It is absent.
    Absent,
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A JSON number, as it was written.
    Number(Cow<'a, str>),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Another JSON value as it was written: an object, an array, or a string that no text can
    /// hold.
    Json(Cow<'a, str>),
    /// A list of an expression.
    List(Vec<Value<'a>>),
}

/// The origin of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub is_secret: bool,
    pub origin: Origin,
}

/// Whether a peer chose a part of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// No part.
    #[default]
    Own,
    /// A part without characters that break a line.
    Checked,
    /// A part, or all.
    Peer,
}

impl Marks {
    /// The marks of a value made of both.
    pub fn and(self, other: Self) -> Self {
        Self {
            is_secret: self.is_secret || other.is_secret,
            origin: self.origin.max(other.origin),
        }
    }

    /// The marks of a value that was transformed, rather than concatenated.
    pub fn transformed(self) -> Self {
        match self.origin {
            Origin::Checked => Self {
                origin: Origin::Peer,
                ..self
            },
            Origin::Own | Origin::Peer => self,
        }
    }
}

impl<'a> Value<'a> {
    pub(super) fn new(data: Data<'a>, marks: Marks) -> Self {
        Self { data, marks }
    }

    /// An absent value.
    pub fn absent() -> Self {
        Data::Absent.into()
    }

    /// JSON's `null`.
    pub fn null() -> Self {
        Data::Null.into()
    }

    /// A text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Data::Text(text.into()).into()
    }

    /// Bytes.
    pub fn bytes(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Data::Bytes(bytes.into()).into()
    }

    /// A message: a text if it is UTF-8, otherwise bytes.
    pub fn message(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::text(text).from_peer(),
            Err(_) => Self::bytes(bytes).from_peer(),
        }
    }

    /// A value of a JSON text.
    pub fn json(raw: RawJson<'a>) -> Self {
        let written = raw.as_str();
        let data = match raw.kind() {
            Kind::Null => Data::Null,
            Kind::Bool => Data::Bool(written == "true"),
            Kind::Number => Data::Number(written.into()),
            Kind::Text => raw.as_text().map_or(Data::Json(written.into()), Data::Text),
            Kind::Array | Kind::Object => Data::Json(written.into()),
        };
        data.into()
    }

    /// Marks the value as secret.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.marks.is_secret = true;
        self
    }

    /// Marks the value as chosen by a peer: in a text without JSON it must not contain a line end.
    #[must_use]
    pub fn from_peer(mut self) -> Self {
        self.marks.origin = Origin::Peer;
        self
    }

    pub(super) fn marked(mut self, marks: Marks) -> Self {
        self.marks = self.marks.and(marks);
        self
    }

    /// The value without its marks.
    pub fn data(&self) -> &Data<'a> {
        &self.data
    }

    /// Whether it is secret.
    pub fn is_secret(&self) -> bool {
        self.marks.is_secret
    }

    /// Whether no peer chose any of it.
    pub(crate) fn is_own(&self) -> bool {
        self.marks.origin == Origin::Own
    }

    /// Whether it is absent.
    pub fn is_absent(&self) -> bool {
        self.data == Data::Absent
    }

    /// Whether it is present, and not null.
    pub fn is_there(&self) -> bool {
        !matches!(self.data, Data::Absent | Data::Null)
    }

    /// Whether it is true as a condition: it is present, and neither null nor false.
    pub fn is_true(&self) -> bool {
        !matches!(self.data, Data::Absent | Data::Null | Data::Bool(false))
    }

    /// As text within a text: a number as it was written, an object as compact JSON. `None` for
    /// absent and null values, and for bytes that are not text.
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        Some(match &self.data {
            Data::Absent | Data::Null => return None,
            Data::Bool(true) => "true".into(),
            Data::Bool(false) => "false".into(),
            Data::Number(text) | Data::Text(text) => Cow::Borrowed(text),
            Data::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.into(),
            Data::Json(_) | Data::List(_) => {
                let mut text = String::new();
                self.write_json(&mut text)?;
                text.into()
            }
        })
    }

    /// As bytes within bytes.
    pub fn as_bytes(&self) -> Option<Cow<'_, [u8]>> {
        match &self.data {
            Data::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            _ => self.as_text().map(|text| match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
        }
    }

    /// Writes it as compact JSON; `None` if it is absent, or is or contains bytes that are not
    /// text.
    pub fn write_json(&self, out: &mut String) -> Option<()> {
        match &self.data {
            Data::Absent => return None,
            Data::Null => out.push_str("null"),
            Data::Bool(true) => out.push_str("true"),
            Data::Bool(false) => out.push_str("false"),
            Data::Number(number) => out.push_str(number),
            Data::Text(text) => write_quoted(text, out),
            Data::Bytes(bytes) => write_quoted(std::str::from_utf8(bytes).ok()?, out),
            Data::Json(json) => RawJson::parse(json)?.write_compact(out),
            Data::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write_json(out)?;
                }
                out.push(']');
            }
        }
        Some(())
    }

    /// Its length in bytes, at most.
    pub(super) fn size(&self) -> usize {
        match &self.data {
            Data::Absent | Data::Null | Data::Bool(_) => 5,
            Data::Number(text) | Data::Text(text) | Data::Json(text) => text.len(),
            Data::Bytes(bytes) => bytes.len(),
            Data::List(items) => items
                .iter()
                .map(|item| item.size().saturating_add(3))
                .fold(2, usize::saturating_add),
        }
    }

    /// An owned copy.
    pub fn into_owned(self) -> Value<'static> {
        let data = match self.data {
            Data::Absent => Data::Absent,
            Data::Null => Data::Null,
            Data::Bool(value) => Data::Bool(value),
            Data::Number(number) => Data::Number(number.into_owned().into()),
            Data::Text(text) => Data::Text(text.into_owned().into()),
            Data::Bytes(bytes) => Data::Bytes(bytes.into_owned().into()),
            Data::Json(json) => Data::Json(json.into_owned().into()),
            Data::List(items) => Data::List(items.into_iter().map(Value::into_owned).collect()),
        };
        Value::new(data, self.marks)
    }

    /// A borrowed copy.
    pub fn as_borrowed(&self) -> Value<'_> {
        let data = match &self.data {
            Data::Absent => Data::Absent,
            Data::Null => Data::Null,
            Data::Bool(value) => Data::Bool(*value),
            Data::Number(number) => Data::Number(Cow::Borrowed(number)),
            Data::Text(text) => Data::Text(Cow::Borrowed(text)),
            Data::Bytes(bytes) => Data::Bytes(Cow::Borrowed(bytes)),
            Data::Json(json) => Data::Json(Cow::Borrowed(json)),
            Data::List(items) => Data::List(items.iter().map(Value::as_borrowed).collect()),
        };
        Value::new(data, self.marks)
    }
}

/// The elements of a JSON array.
fn elements(json: &str) -> Option<Items<'_>> {
    let raw = RawJson::parse(json)?;
    (raw.kind() == Kind::Array).then(|| raw.items())
}

impl<'a> From<Data<'a>> for Value<'a> {
    fn from(data: Data<'a>) -> Self {
        Self::new(data, Marks::default())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Data::Bool(value).into()
    }
}

macro_rules! from_number {
    ($($number:ty),*) => { $(
        impl From<$number> for Value<'_> {
            fn from(number: $number) -> Self {
                Data::Number(number.to_string().into()).into()
            }
        }
    )* };
}

from_number!(u16, u32, u64, i64, i128);

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_secret() {
            true => f.write_str("***"),
            false => fmt::Debug::fmt(&self.data, f),
        }
    }
}
