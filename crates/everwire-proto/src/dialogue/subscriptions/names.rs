//! The names that expressions and templates read, directly or through a `let`.

use crate::{
    language::{BuiltIn, Expression, Lets, MessageTemplate, Name},
    settings::dialogue::{Asking, Capture, SubscriptionWords},
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
    /// `handover`, which is true for the keys that the peer continues.
    pub handover: bool,
    /// Random values: a `let` keeps the one that was drawn for the `on`.
    pub random: bool,
}

impl Reads {
    /// Those of an expression.
    pub fn of(expression: &Expression, captures: &[Capture], lets: &Lets) -> Self {
        let mut reader = Reader::new(captures, lets);
        reader.expression(expression);
        reader.reads
    }

    /// Those of a name.
    pub fn of_name(name: Name, captures: &[Capture], lets: &Lets) -> Self {
        let mut reader = Reader::new(captures, lets);
        reader.name(name);
        reader.reads
    }

    /// Those of a request.
    pub fn of_asking(asking: &Asking, captures: &[Capture], lets: &Lets) -> Self {
        let mut reader = Reader::new(captures, lets);
        for template in asking.templates() {
            reader.template(template);
        }
        reader.reads
    }

    /// Those of all that looks into an answer.
    pub fn of_answer(words: &SubscriptionWords, lets: &Lets) -> Self {
        let mut reader = Reader::new(&words.capture, lets);
        let conditions = words.ack.iter().chain(&words.fail);
        let captured = words.capture.iter().flat_map(|capture| {
            let when = capture.when.iter();
            when.chain(std::iter::once(&capture.value))
        });
        for expression in conditions.chain(captured) {
            reader.expression(expression);
        }
        reader.reads
    }

    /// Whether the result may differ between two keys, or two requests.
    pub fn tells_apart(self) -> bool {
        let Self {
            id,
            key,
            // Implies `key`.
            item: _,
            items,
            handover,
            random,
        } = self;
        id || key || items || handover || random
    }
}

/// Follows names.
struct Reader<'a> {
    captures: &'a [Capture],
    lets: &'a Lets,
    reads: Reads,
    /// Each `let` is read once, however often it occurs in others.
    known: Vec<Name>,
}

impl<'a> Reader<'a> {
    fn new(captures: &'a [Capture], lets: &'a Lets) -> Self {
        Self {
            captures,
            lets,
            reads: Reads::default(),
            known: Vec::new(),
        }
    }

    fn expression(&mut self, expression: &Expression) {
        self.reads.random |= expression.is_random();
        for read in expression.reads() {
            self.name(read.name);
        }
    }

    fn template(&mut self, template: &MessageTemplate) {
        for expression in template.holes() {
            self.expression(expression);
        }
    }

    /// No `let` reads itself.
    fn name(&mut self, name: Name) {
        let reads = &mut self.reads;
        match name {
            Name::BuiltIn(BuiltIn::Id) => reads.id = true,
            Name::BuiltIn(BuiltIn::Key | BuiltIn::OnId) => reads.key = true,
            Name::BuiltIn(BuiltIn::Item) => (reads.key, reads.item) = (true, true),
            Name::BuiltIn(BuiltIn::Items) => reads.items = true,
            Name::BuiltIn(BuiltIn::Handover) => reads.handover = true,
            Name::BuiltIn(_) => {}
            Name::Capture(at) => {
                reads.key |= self.captures.iter().any(|capture| capture.name == at);
            }
            Name::Let(_) if self.known.contains(&name) => {}
            Name::Let(_) => {
                self.known.push(name);
                if let Some(template) = self.lets.get(name) {
                    self.template(template);
                }
            }
        }
    }
}
