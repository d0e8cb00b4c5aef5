//! What the peer knows about a name: what it has sent, and what the name has sent.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use everwire::{
    config::Variable,
    dialogue::{self, Capture, Dialogue, Trigger},
    language::{
        BuiltIn, Moment, Name, Signer, Value, World,
        json::{Found, PointerSet, RawJson, Slot, Spans},
    },
};

use crate::cli::moment::moment;

/// The longest value that the peer makes.
const MAX_VALUE: usize = 1 << 20;

/// What the peer knows about a name, over all of its sockets.
#[derive(Clone)]
pub struct Model {
    /// The connection's name.
    name: String,
    /// The captured values that the peer has sent.
    captures: BTreeMap<u16, Value<'static>>,
    /// The contents of files, and the stored secrets.
    variables: HashMap<String, String>,
}

/// What expressions see when the peer makes or checks a message.
pub struct Seen<'m> {
    model: &'m Model,
    /// The values of names in the message that is answered.
    names: &'m [(Name, Value<'static>)],
    id: Option<u64>,
    message: Option<&'m str>,
    found: Found<'m, 'm>,
    status: Option<u16>,
}

impl Model {
    /// The model before the first dial.
    pub fn new(name: String, variables: HashMap<String, String>) -> Self {
        Self {
            name,
            captures: BTreeMap::new(),
            variables,
        }
    }

    /// The context without a message.
    pub fn seen<'m>(&'m self, names: &'m [(Name, Value<'static>)], id: Option<u64>) -> Seen<'m> {
        Seen {
            model: self,
            names,
            id,
            message: None,
            found: Found::default(),
            status: None,
        }
    }

    /// The peer has sent this text. The name now knows what the connection and the first matching
    /// rule capture from it.
    pub fn said(&mut self, text: &str, dialogue: &Dialogue) {
        let rule = dialogue.rules.iter().find(|rule| match &rule.trigger {
            Trigger::Message(when) => self.looks(text, &dialogue.pointers, |seen| when.holds(seen)),
            Trigger::Loss(_) => false,
        });
        if let Some(rule) = rule {
            self.capture(text, &rule.capture, &dialogue.pointers);
            rule.clear.iter().for_each(|at| self.forget(*at));
        }
        self.capture(text, &dialogue.captures, &dialogue.pointers);
    }

    /// The name captures values from this text of the peer.
    pub fn capture(&mut self, text: &str, captures: &[Capture], pointers: &PointerSet) {
        for capture in captures {
            let value = self.looks(text, pointers, |seen| {
                let when = capture.when.as_ref();
                let is_taken = when.is_none_or(|when| when.holds(seen));
                is_taken.then(|| capture.value.evaluate(seen).into_owned())
            });
            if let Some(value) = value.filter(Value::is_there) {
                self.captures.insert(capture.name, value);
            }
        }
    }

    /// The name forgets a captured value.
    pub fn forget(&mut self, capture: u16) {
        self.captures.remove(&capture);
    }

    fn looks<T>(&self, text: &str, pointers: &PointerSet, look: impl FnOnce(&Seen<'_>) -> T) -> T {
        let mut spans = Spans::default();
        let found = pointers.find(text, &mut spans).unwrap_or_default();
        let seen = Seen {
            message: Some(text),
            found,
            ..self.seen(&[], None)
        };
        look(&seen)
    }
}

impl<'m> Seen<'m> {
    /// The same with a message, and with the status of an HTTP answer.
    pub fn with(self, message: &'m str, found: Found<'m, 'm>, status: Option<u16>) -> Self {
        Self {
            message: Some(message),
            found,
            status,
            ..self
        }
    }
}

impl World for Seen<'_> {
    fn pointer(&self, slot: Slot) -> Option<RawJson<'_>> {
        self.found.get(slot)
    }

    fn name(&self, name: Name) -> Value<'_> {
        let said = self.names.iter().find(|(known, _)| *known == name);
        if let Some((_, value)) = said {
            return value.as_borrowed();
        }
        match name {
            Name::Capture(at) => {
                let known = self.model.captures.get(&at);
                known.map_or_else(Value::absent, Value::as_borrowed)
            }
            Name::BuiltIn(BuiltIn::Id) => self.id.map_or_else(Value::absent, Value::from),
            Name::BuiltIn(BuiltIn::Message) => self.message.map_or_else(Value::absent, Value::text),
            Name::BuiltIn(BuiltIn::Status) => self.status.map_or_else(Value::absent, Value::from),
            Name::BuiltIn(BuiltIn::Name) => Value::text(&*self.model.name),
            Name::BuiltIn(BuiltIn::Handover) => false.into(),
            Name::BuiltIn(_) | Name::Let(_) => Value::absent(),
        }
    }

    fn variable(&self, variable: Variable<'_>) -> Option<&str> {
        let key = match variable {
            Variable::File(path) => file_key(path),
            Variable::Stored(id) => id.to_owned(),
        };
        self.model.variables.get(&key).map(String::as_str)
    }

    fn moment(&self) -> Moment<'_> {
        moment()
    }

    fn signer(&self) -> &dyn Signer {
        dialogue::signer()
    }

    fn max_message(&self) -> usize {
        MAX_VALUE
    }
}

/// The key of a file among the variables.
pub fn file_key(path: &Path) -> String {
    format!("file:{}", path.display())
}
