//! Outgoing messages of a dialogue.

use bytes::Bytes;

use crate::language::MessageTemplate;

/// A message that a step or a rule sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Sending {
    /// A text message.
    Text(MessageTemplate),
    /// A binary message from a template.
    Bytes(MessageTemplate),
    /// A fixed binary message.
    Binary(Bytes),
}

impl Sending {
    /// The template, if it is one.
    pub fn template(&self) -> Option<&MessageTemplate> {
        match self {
            Self::Text(template) | Self::Bytes(template) => Some(template),
            Self::Binary(_) => None,
        }
    }

    /// Whether it reads the message that it answers.
    pub fn looks_into_message(&self) -> bool {
        self.template()
            .is_some_and(MessageTemplate::looks_into_message)
    }

    /// The text for an operator: the template as it was written.
    pub fn as_written(&self) -> String {
        match self {
            Self::Text(template) | Self::Bytes(template) => template.to_string(),
            Self::Binary(bytes) => format!("{} bytes", bytes.len()),
        }
    }
}
