//! One step: a world whose `let`s are filled once.

use std::cell::OnceCell;

use super::{
    Lets, Moment, Name, Signer, Value, Variable, World,
    json::{RawJson, Slot},
};

/// A world with the values of `let`s: each is filled when it is first read, and then stays as it is as long as this lives.
///
/// Nothing is allocated as long as no `let` is read.
pub struct Step<'a> {
    world: &'a dyn World,
    lets: &'a Lets,
    values: OnceCell<Box<[OnceCell<Value<'static>>]>>,
}

impl<'a> Step<'a> {
    /// A step in a world that knows no `let`s.
    pub fn new(world: &'a dyn World, lets: &'a Lets) -> Self {
        Self {
            world,
            lets,
            values: OnceCell::new(),
        }
    }
}

impl World for Step<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.world.pointer(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        let Name::Let(at) = name else {
            return self.world.name(name);
        };
        let values = self
            .values
            .get_or_init(|| self.lets.iter().map(|_| OnceCell::new()).collect());
        let (Some(value), Some(template)) = (values.get(usize::from(at)), self.lets.get(name))
        else {
            return Value::absent();
        };
        // None reads itself: `Lets` are in no circle.
        value
            .get_or_init(|| template.evaluate(self).into_owned())
            .as_borrowed()
    }

    fn header(&self, name: &str) -> Value<'_> {
        self.world.header(name)
    }

    fn cookie(&self, name: &str) -> Value<'_> {
        self.world.cookie(name)
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        self.world.variable(variable)
    }

    fn moment(&self) -> Moment<'_> {
        self.world.moment()
    }

    fn signer(&self) -> &dyn Signer {
        self.world.signer()
    }

    fn max_message(&self) -> usize {
        self.world.max_message()
    }
}
