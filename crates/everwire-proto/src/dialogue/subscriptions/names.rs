//! The names that expressions and templates read, directly or through a `let`.

use crate::{
    language::{BuiltIn, Expression, Lets, MessageTemplate, Name},
    settings::dialogue::{Asking, Capture},
};

/// Which of a subscription's own names are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// `id`.
    pub id: bool,
    /// Values of single keys: `key`, `item`, `on_id`, or a capture of `subscribe`.
    pub key: bool,
    /// `item`.
    pub item: bool,
    /// `items`.
    pub items: bool,
}

impl Reads {
    /// Those of an expression.
    pub fn of(expression: &Expression, captures: &[Capture], lets: &Lets) -> Self {
        let mut reads = Self::default();
        for read in expression.reads() {
            reads.add(read.name, captures, lets);
        }
        reads
    }

    /// Those of a template.
    pub fn of_template(template: &MessageTemplate, captures: &[Capture], lets: &Lets) -> Self {
        let mut reads = Self::default();
        for read in template.reads() {
            reads.add(read.name, captures, lets);
        }
        reads
    }

    /// Those of a request.
    pub fn of_asking(asking: &Asking, captures: &[Capture], lets: &Lets) -> Self {
        let templates = asking.templates();
        let all = templates
            .iter()
            .map(|template| Self::of_template(template, captures, lets));
        all.fold(Self::default(), Self::or)
    }

    /// No `let` reads itself.
    fn add(&mut self, name: Name, captures: &[Capture], lets: &Lets) {
        match name {
            Name::BuiltIn(BuiltIn::Id) => self.id = true,
            Name::BuiltIn(BuiltIn::Key | BuiltIn::OnId) => self.key = true,
            Name::BuiltIn(BuiltIn::Item) => (self.key, self.item) = (true, true),
            Name::BuiltIn(BuiltIn::Items) => self.items = true,
            Name::BuiltIn(_) => {}
            Name::Capture(at) => {
                self.key |= captures.iter().any(|capture| capture.name == at);
            }
            Name::Let(_) => {
                if let Some(template) = lets.get(name) {
                    *self = self.or(Self::of_template(template, captures, lets));
                }
            }
        }
    }

    /// Whether an expression on a message may have another value for another active key.
    pub fn one_key(self) -> bool {
        self.key || self.id
    }

    fn or(self, other: Self) -> Self {
        Self {
            id: self.id || other.id,
            key: self.key || other.key,
            item: self.item || other.item,
            items: self.items || other.items,
        }
    }
}
