//! The value that marks the answer of a request, if the settings do not define answers.

use super::message::{InvalidRequest, MAX_OWN};
use crate::{
    core::Message,
    language::json::{JsonPointer, Kind, Number, RawJson},
};

/// The value that an answer must have at one place.
///
/// ```
/// use everwire_proto::{core::Message, dialogue::ExpectedValue, language::JsonPointer};
///
/// let expected = ExpectedValue::new(JsonPointer::new("/id")?, "7");
/// assert!(expected.is_in(&Message::text(r#"{"id":7}"#)));
/// assert!(expected.is_in(&Message::text(r#"{"id":"7"}"#)));
/// assert!(!expected.is_in(&Message::text(r#"{"id":70}"#)));
/// # Ok::<(), everwire_proto::language::InvalidPointer>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedValue {
    json: JsonPointer,
    equals: Box<str>,
}

impl ExpectedValue {
    /// The value at `json` must be this text, this number, or `true`, `false` or `null`.
    pub fn new(json: JsonPointer, equals: impl Into<Box<str>>) -> Self {
        let equals = equals.into();
        Self { json, equals }
    }

    /// Checks that it is short enough to be kept until an answer comes.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::LongValue`].
    pub fn check(&self) -> Result<(), InvalidRequest> {
        match self.equals.len() {
            ..=MAX_OWN => Ok(()),
            len => Err(InvalidRequest::LongValue(self.json.clone(), len)),
        }
    }

    /// The place of the value.
    pub fn json(&self) -> &JsonPointer {
        &self.json
    }

    /// Whether a message has the value. A binary message in UTF-8 counts as text.
    pub fn is_in(&self, message: &Message) -> bool {
        self.value_in(message).is_some_and(|value| self.is(value))
    }

    /// The value of a message at that place.
    pub(super) fn value_in<'m>(&self, message: &'m Message) -> Option<RawJson<'m>> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(bytes) => std::str::from_utf8(bytes).ok()?,
        };
        let place = self.json.locate(text)?;
        RawJson::parse(text.get(place)?)
    }

    /// Whether a value is the expected one.
    pub(super) fn is(&self, value: RawJson<'_>) -> bool {
        match value.kind() {
            Kind::Text => value.is_text(&self.equals),
            Kind::Number => Number::parse(&self.equals) == value.as_number(),
            Kind::Null | Kind::Bool => value.as_str() == &*self.equals,
            Kind::Array | Kind::Object => false,
        }
    }
}
