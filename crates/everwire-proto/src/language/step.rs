//! One step: a world whose `let`s are rendered once.

use std::cell::OnceCell;

use super::{
    Lets, Moment, Name, Signer, Value, Variable, World,
    json::{RawJson, Slot},
};

/// A world with the values of `let`s: each is rendered when it is first read, and keeps its value
/// from then on.
///
/// It allocates nothing, unless more than two `let`s are read.
pub struct Step<'a> {
    world: &'a dyn World,
    lets: &'a Lets,
    values: LetValues,
    earlier: Option<&'a FilledLets>,
}

/// Most connections with `let`s have this many: a timestamp, and its signature.
const FEW: usize = 2;

/// The values of `let`s, by number.
#[derive(Default)]
struct LetValues {
    first: [OnceCell<Value<'static>>; FEW],
    others: OnceCell<Box<[OnceCell<Value<'static>>]>>,
}

/// The values of a step's `let`s, as far as they were read.
///
/// A message and its answer belong to one step: the nonce in the answer must be the one that was
/// sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilledLets(Box<[Option<Value<'static>>]>);

impl<'a> Step<'a> {
    /// A step in a world without `let`s.
    pub fn new(world: &'a dyn World, lets: &'a Lets) -> Self {
        Self {
            world,
            lets,
            values: LetValues::default(),
            earlier: None,
        }
    }

    /// The same step later, in another world: rendered values stay.
    pub fn later(world: &'a dyn World, lets: &'a Lets, earlier: &'a FilledLets) -> Self {
        Self {
            earlier: Some(earlier),
            ..Self::new(world, lets)
        }
    }

    /// The rendered values.
    pub fn into_filled(self) -> FilledLets {
        let LetValues { first, others } = self.values;
        let others = others.into_inner().unwrap_or_default();
        let all = first.into_iter().chain(others);
        let mut filled: Vec<_> = all.map(OnceCell::into_inner).collect();
        // Most steps read none.
        while filled.pop_if(|value| value.is_none()).is_some() {}
        FilledLets(filled.into())
    }
}

impl LetValues {
    /// The value with this number, out of `count`.
    fn get(&self, at: u16, count: usize) -> Option<&OnceCell<Value<'static>>> {
        let at = usize::from(at);
        if let Some(value) = self.first.get(at) {
            return Some(value);
        }
        let others = || (FEW..count).map(|_| OnceCell::new()).collect();
        self.others.get_or_init(others).get(at - FEW)
    }
}

impl FilledLets {
    fn get(&self, at: u16) -> Option<&Value<'static>> {
        self.0.get(usize::from(at))?.as_ref()
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
        if let Some(value) = self.earlier.and_then(|earlier| earlier.get(at)) {
            return value.as_borrowed();
        }
        let value = self.values.get(at, self.lets.iter().len());
        let (Some(value), Some(template)) = (value, self.lets.get(name)) else {
            return Value::absent();
        };
        // No `let` reads itself: `Lets` have no cycles.
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
