//! The values for expressions of a conversation.

use std::cell::Cell;

use super::{captures::Captures, here::Here};
use crate::{
    core::Message,
    language::{
        BuiltIn, Moment, Name, Signer, Value, Variable, World,
        json::{Found, RawJson, Slot},
    },
};

/// An incoming message, and what the dialogue's pointers have found in it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub message: &'a Message,
    pub found: Found<'a, 'a>,
}

/// The values for expressions of a conversation.
pub(super) struct Surroundings<'a> {
    here: &'a Here<'a>,
    captures: &'a Captures,
    seen: Option<Seen<'a>>,
    id: Option<u64>,
    /// Whether the number was written as a text.
    id_is_text: bool,
    /// Whether the message was read.
    was_asked: Cell<bool>,
}

impl<'a> Surroundings<'a> {
    pub fn new(
        here: &'a Here<'a>,
        captures: &'a Captures,
        seen: Option<Seen<'a>>,
        id: Option<u64>,
    ) -> Self {
        Self {
            here,
            captures,
            seen,
            id,
            id_is_text: false,
            was_asked: Cell::new(false),
        }
    }

    /// The same with a number that was written as a text.
    pub fn with_text_id(self, id_is_text: bool) -> Self {
        Self { id_is_text, ..self }
    }

    /// Whether a result depends on the message, or on its absence.
    pub fn was_asked_for_message(&self) -> bool {
        self.was_asked.get()
    }

    fn seen(&self) -> Option<Seen<'a>> {
        self.was_asked.set(true);
        self.seen
    }
}

impl World for Surroundings<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.seen()?.found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::Capture(at) => self.captures.get(at),
            Name::BuiltIn(BuiltIn::Message) => match self.seen().map(|seen| seen.message) {
                Some(Message::Text(text)) => Value::text(&**text).from_peer(),
                Some(Message::Binary(bytes)) => Value::message(bytes),
                None => Value::absent(),
            },
            Name::BuiltIn(BuiltIn::Id) => match self.id {
                Some(id) if self.id_is_text => Value::text(id.to_string()),
                Some(id) => id.into(),
                None => Value::absent(),
            },
            Name::BuiltIn(other) => self.here.built_in(other),
            Name::Let(_) => Value::absent(),
        }
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        self.here.variables.get(variable)
    }

    fn moment(&self) -> Moment<'_> {
        self.here.moment()
    }

    fn signer(&self) -> &dyn Signer {
        self.here.signer
    }

    fn max_message(&self) -> usize {
        self.here.max_message
    }
}
