//! Values: what expressions come to.

mod compare;
mod join;

use std::{borrow::Cow, fmt};

use super::json::{Items, Kind, RawJson, write_quoted};

pub(super) use self::{
    compare::{equal, is_in, order},
    join::join,
};

/// What an expression comes to, with two marks: whether it is a secret, and whether a peer chose it.
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
    /// It is not there.
    Absent,
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number of JSON, as it was written.
    Number(Cow<'a, str>),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Another value of JSON as it was written: an object, an array, or a string that no text can hold.
    Json(Cow<'a, str>),
    /// A list that an expression made.
    List(Vec<Value<'a>>),
}

/// What is known of where a value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub is_secret: bool,
    pub origin: Origin,
}

/// Whether a peer chose some of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// Nothing of it.
    #[default]
    Own,
    /// Some of it, in which no character can break a line.
    Checked,
    /// Some of it, or all.
    Peer,
}

impl Marks {
    /// The marks of what is made of both.
    pub fn and(self, other: Self) -> Self {
        Self {
            is_secret: self.is_secret || other.is_secret,
            origin: self.origin.max(other.origin),
        }
    }

    /// The marks of what is made of a value by another way than putting it beside others.
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

    /// What is not there.
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

    /// A message: a text, if its bytes are one.
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

    /// The same value, which must not be shown.
    #[must_use]
    pub fn secret(mut self) -> Self {
        self.marks.is_secret = true;
        self
    }

    /// The same value, which a peer chose: in a text without JSON it must hold no line end.
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

    /// Whether it must not be shown.
    pub fn is_secret(&self) -> bool {
        self.marks.is_secret
    }

    /// Whether no peer chose any of it.
    pub(crate) fn is_own(&self) -> bool {
        self.marks.origin == Origin::Own
    }

    /// Whether it is not there.
    pub fn is_absent(&self) -> bool {
        self.data == Data::Absent
    }

    /// Whether it is there, and not null.
    pub fn is_there(&self) -> bool {
        !matches!(self.data, Data::Absent | Data::Null)
    }

    /// Whether it holds as a condition: it is there, and neither null nor false.
    pub fn is_true(&self) -> bool {
        !matches!(self.data, Data::Absent | Data::Null | Data::Bool(false))
    }

    /// As text, as it stands within a text: a number as it was written, an object as compact JSON. `None` for what is absent, null, or
    /// bytes that are no text.
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

    /// As bytes, as it stands within bytes.
    pub fn as_bytes(&self) -> Option<Cow<'_, [u8]>> {
        match &self.data {
            Data::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
            _ => self.as_text().map(|text| match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
        }
    }

    /// Writes it as compact JSON; `None`, if it is absent, or bytes that are no text, or holds such.
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

    /// How many bytes it has, at most.
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

    /// The same, with nothing borrowed.
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

    /// The same, borrowed from this one.
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

/// The elements of an array of JSON.
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
