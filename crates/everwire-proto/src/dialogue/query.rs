//! Expressions that are evaluated on the last message.

use super::{
    conversation::Conversation,
    here::Here,
    report::{Masked, clipped, show_text_masked},
    surroundings::{Seen, Surroundings},
};
use crate::{
    core::Message,
    language::{
        Data, Expression, LanguageError, MessageTemplate, Outside, Scope, Step, TemplateKind,
        Value,
        json::{PointerSet, Spans},
    },
    settings::dialogue::Dialogue,
};

/// An expression, or a template with `${…}`, to be evaluated on the last message of a
/// [watched](Conversation::watch) conversation. It may read the captures and `let`s of the dialogue
/// for which it was compiled.
#[derive(Clone, Debug)]
pub struct Query {
    pointers: PointerSet,
    asked: Asked,
}

#[derive(Clone, Debug)]
enum Asked {
    Expression(Box<Expression>),
    Template(Box<MessageTemplate>),
}

impl Query {
    /// Compiles a query. A text with `${` is a template, any other an expression.
    ///
    /// # Errors
    ///
    /// All errors, each with its place in the text.
    pub fn parse(
        text: &str,
        dialogue: &Dialogue,
        outside: &dyn Outside,
    ) -> Result<Self, Vec<LanguageError>> {
        // Existing places stay: `let`s read the message, too.
        let mut pointers = dialogue.pointers.clone();
        let mut scope = Scope::new(&dialogue.names, &mut pointers, outside);
        let asked = match text.contains("${") {
            true => {
                let template = MessageTemplate::parse(text, TemplateKind::Text, &mut scope)?;
                Asked::Template(Box::new(template))
            }
            false => Asked::Expression(Box::new(Expression::value(text, &mut scope)?)),
        };
        Ok(Self { pointers, asked })
    }
}

impl Conversation {
    /// The value of a query for the last message and the current captures, in a form that is safe
    /// for an operator: as JSON, with `***` for secrets. It changes nothing.
    pub fn ask(&self, query: &Query, here: &Here<'_>) -> String {
        let trace = self.seldom.trace();
        let message = trace.and_then(|trace| trace.last.as_ref());
        let is_hidden = trace.is_some_and(|trace| trace.is_hidden);
        let mut spans = Spans::default();
        let text = message.and_then(|message| match message {
            Message::Text(text) => Some(&**text),
            Message::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        });
        let found = text.and_then(|text| query.pointers.find(text, &mut spans));
        let seen = message.map(|message| Seen {
            message,
            found: found.unwrap_or_default(),
        });
        let id = trace.and_then(|trace| trace.id);
        let world = Surroundings::new(here, &self.captures, seen, id);
        let step = Step::new(&world, self.lets());
        let secrets = Masked::of(&self.captures);
        match &query.asked {
            Asked::Expression(expression) => {
                shown(&expression.evaluate(&step), is_hidden, &secrets)
            }
            Asked::Template(template) => match template.render(&step) {
                Ok(filled) if filled.is_secret() => MASKED.into(),
                Ok(_) if is_hidden && template.looks_into_message() => MASKED.into(),
                Ok(filled) => masked(&filled.into_text(), &secrets),
                Err(unfilled) => format!("not filled: {}", clipped(&unfilled.to_string())),
            },
        }
    }
}

const MASKED: &str = "***";

fn shown(value: &Value<'_>, is_hidden: bool, secrets: &Masked) -> String {
    match value.data() {
        Data::Absent => return "absent".into(),
        Data::Null => return "null".into(),
        // Whether it holds is what is asked for, of a secret too.
        Data::Bool(holds) => return holds.to_string(),
        _ if is_hidden || value.is_secret() => return MASKED.into(),
        _ => {}
    }
    let mut json = String::new();
    match (value.write_json(&mut json), value.as_bytes()) {
        (Some(()), _) => masked(&json, secrets),
        (None, Some(bytes)) => format!("{} bytes", bytes.len()),
        (None, None) => "absent".into(),
    }
}

fn masked(text: &str, secrets: &Masked) -> String {
    let mut masked = String::new();
    show_text_masked(text, secrets, &mut masked);
    masked
}
