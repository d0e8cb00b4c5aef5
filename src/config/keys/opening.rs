//! `on_open`.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Located, Node, Problem, Read, Value, field, table, table_schema},
    values::{OpeningText, Written, escaped_template},
};
use everwire_proto::settings::Opening;

/// Messages that are sent when a socket opens.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct OnOpen(pub Vec<Located<OpenMessage>>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum OpenMessage {
    /// A message that is known now. A text is also kept as it is written.
    Plain(Opening, Option<Written>),
    /// A text with an expression.
    Template(Written),
}

table! {
    /// A message: a text, or bytes.
    pub(in crate::config) struct MessageTable {
        /// A text message. `${NAME}`, `${file:PATH}` and expressions are expanded.
        text: OpeningText,
        /// A binary message, in base64 (RFC 4648 §4).
        base64: Base64,
    }
}

/// Bytes that are written in base64.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Base64(pub Bytes);

field! { OnOpen <=> Vec<Opening>: OnOpen::into_plain, |list| list.iter().map(show).collect::<Vec<_>>() }

impl OnOpen {
    /// Whether a text in it has an expression, which makes all of them steps of a script.
    pub fn is_script(&self) -> bool {
        let is_template =
            |message: &Located<OpenMessage>| matches!(message.value, OpenMessage::Template(_));
        self.0.iter().any(is_template)
    }

    /// The messages without expressions.
    fn into_plain(self) -> Vec<Opening> {
        let messages = self.0.into_iter();
        messages
            .filter_map(|message| match message.value {
                OpenMessage::Plain(opening, _) => Some(opening),
                OpenMessage::Template(_) => None,
            })
            .collect()
    }
}

impl From<OpeningText> for OpenMessage {
    fn from(text: OpeningText) -> Self {
        match text.plain {
            Some(template) => Self::Plain(Opening::Text(template), Some(text.written)),
            None => Self::Template(text.written),
        }
    }
}

fn show(opening: &Opening) -> Json {
    match opening {
        Opening::Text(template) => json!({ "text": escaped_template(template) }),
        Opening::Binary(bytes) => json!({ "base64": BASE64_STANDARD.encode(bytes) }),
    }
}

impl Read for OnOpen {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_list(node, "an array of messages");
        };
        let messages = items.iter().filter_map(|item| Located::read(item, context));
        Some(Self(messages.collect()))
    }

    fn schema() -> Json {
        let message = json!({ "anyOf": [OpeningText::schema(), table_schema::<MessageTable>()] });
        json!({ "type": "array", "items": message })
    }
}

impl Read for OpenMessage {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::String(_)) {
            return OpeningText::read(node, context).map(Self::from);
        }
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a text, { text = \"…\" } or { base64 = \"…\" }");
        };
        let table = MessageTable::read(node, context)?;
        let written = |key: &str| entries.iter().any(|entry| entry.key == key);
        if written("text") == written("base64") {
            let problem = Problem::new(node.place, "a message has either `text` or `base64`")
                .help("write \"…\", { text = \"…\" } or { base64 = \"…\" }");
            context.problems.push(problem);
        }
        let text = table.text.map(|text| text.value.into());
        let binary = table.base64.map(|bytes| Opening::Binary(bytes.value.0));
        text.or_else(|| binary.map(|binary| Self::Plain(binary, None)))
    }

    fn schema() -> Json {
        table_schema::<MessageTable>()
    }
}

impl Read for Base64 {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::String(text) = &node.value else {
            return context.wrong_type(node, "base64, as a string");
        };
        match BASE64_STANDARD.decode(text) {
            Ok(bytes) => Some(Self(bytes.into())),
            Err(error) => {
                let message = format!("invalid base64: {}", error.to_string().to_lowercase());
                let help = "write standard base64 with its padding (RFC 4648 §4)";
                context.wrong(node.place, message, help);
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "contentEncoding": "base64" })
    }
}
