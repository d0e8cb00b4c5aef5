//! `send`.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::super::opening::Base64;
use crate::config::{
    read::{Context, Node, Problem, Read, Value, table, table_schema},
    values::{TemplateText, Written},
};

table! {
    /// A message: one of text, base64, bytes.
    pub(in crate::config) struct SendTable {
        /// A text message; expressions in it are expanded.
        text: TemplateText,
        /// A binary message, in base64 (RFC 4648 §4).
        base64: Base64,
        /// A binary message; expressions in it are expanded.
        bytes: TemplateText,
    }
}

/// A message: a text, or a table.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum SendLayer {
    Text(Written),
    Bytes(Written),
    Binary(Bytes),
}

impl Read for SendLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        if matches!(node.value, Value::String(_)) {
            let TemplateText(text) = TemplateText::read(node, context)?;
            return Some(Self::Text(text));
        }
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(
                node,
                "a text, { text = \"…\" }, { base64 = \"…\" } or { bytes = \"…\" }",
            );
        };
        let table = SendTable::read(node, context)?;
        let known = |key: &str| matches!(key, "text" | "base64" | "bytes");
        if entries.iter().filter(|entry| known(&entry.key)).count() != 1 {
            let problem = Problem::new(
                node.place,
                "a message has one of `text`, `base64` and `bytes`",
            )
            .help("write '…', { text = '…' }, { base64 = '…' } or { bytes = '…' }");
            context.problems.push(problem);
        }
        let text = table.text.map(|text| Self::Text(text.value.0));
        let bytes = table.bytes.map(|bytes| Self::Bytes(bytes.value.0));
        let binary = table.base64.map(|bytes| Self::Binary(bytes.value.0));
        text.or(bytes).or(binary)
    }

    fn schema() -> Json {
        json!({ "anyOf": [TemplateText::schema(), table_schema::<SendTable>()] })
    }
}
