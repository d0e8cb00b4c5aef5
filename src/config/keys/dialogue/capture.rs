//! `capture` and `clear`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Located, Node, Read, Value, table, table_schema},
    values::ExpressionText,
};

table! {
    /// A value that is captured from messages.
    #[derive(PartialEq)]
    pub(in crate::config) struct CaptureTable {
        /// The value. If it is null or absent, the last value stays.
        value: ExpressionText,
        /// The messages from which it is captured; without it all.
        when: ExpressionText,
        /// Whether it is secret. If a step captures it, subscribers do not get that message.
        secret: bool = false,
        /// Whether it outlives the process: it is stored with its message or after it, at most once
        /// a second.
        keep: bool = false,
    }
}

/// What is captured of a message: an expression, or a table.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum CaptureLayer {
    Value(ExpressionText),
    Table(Box<CaptureTable>),
}

/// Names of captures, with their places.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct CaptureNames(pub Vec<Located<String>>);

impl Read for CaptureLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => CaptureTable::read(node, context)
                .map(Box::new)
                .map(Self::Table),
            Value::String(_) => ExpressionText::read(node, context).map(Self::Value),
            _ => context.wrong_type(node, "an expression such as \"/data/id\", or a table"),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [ExpressionText::schema(), table_schema::<CaptureTable>()] })
    }

    fn overlay(&mut self, nearer: Self) {
        match (self, nearer) {
            (Self::Table(table), Self::Table(nearer)) => table.overlay(*nearer),
            (this, nearer) => *this = nearer,
        }
    }
}

impl Read for CaptureNames {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of names of captures");
        };
        let names = items.iter().filter_map(|item| match &item.value {
            Value::String(name) => Some(Located {
                value: name.clone(),
                place: item.place,
            }),
            _ => context.wrong_type(item, "the name of a capture"),
        });
        Some(Self(names.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}
