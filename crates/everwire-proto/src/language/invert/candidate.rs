//! The values for expressions about a message under construction.

use super::{inverted::Inverted, known::Known};
use crate::language::{
    BuiltIn, Moment, Name, Signer, Value, Variable, World,
    json::{Found, RawJson, Slot, Spans},
};

/// A message under construction, with the known values.
pub(super) struct Candidate<'c> {
    known: &'c Known<'c>,
    message: &'c Inverted,
    found: Found<'c, 'c>,
}

impl<'c> Candidate<'c> {
    pub fn new(known: &'c Known<'c>, message: &'c Inverted, spans: &'c mut Spans) -> Self {
        let found = known.pointers.find(&message.text, spans);
        Self {
            known,
            message,
            found: found.unwrap_or_default(),
        }
    }
}

impl World for Candidate<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        match name {
            Name::BuiltIn(BuiltIn::Message) => Value::text(&*self.message.text).from_peer(),
            Name::BuiltIn(BuiltIn::Status) => {
                let status = self.message.status.or(self.known.status);
                status.map_or_else(Value::absent, Value::from)
            }
            Name::Let(_) => match self.known.world.name(name) {
                value if !value.is_absent() => value,
                // No `let` reads itself: `Lets` have no cycles.
                _ => match self.known.lets.get(name) {
                    Some(template) => template.evaluate(self).into_owned(),
                    None => Value::absent(),
                },
            },
            Name::BuiltIn(_) | Name::Capture(_) => self.known.world.name(name),
        }
    }

    fn header(&self, name: &str) -> Value<'_> {
        find(&self.message.headers, name)
    }

    fn cookie(&self, name: &str) -> Value<'_> {
        find(&self.message.cookies, name)
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        self.known.world.variable(variable)
    }

    fn moment(&self) -> Moment<'_> {
        self.known.world.moment()
    }

    fn signer(&self) -> &dyn Signer {
        self.known.world.signer()
    }

    fn max_message(&self) -> usize {
        self.known.world.max_message()
    }
}

fn find<'c>(list: &'c [(Box<str>, Box<str>)], name: &str) -> Value<'c> {
    let mut list = list.iter();
    let found = list.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or_else(Value::absent, |(_, value)| {
        Value::text(&**value).from_peer()
    })
}
