//! `heartbeat.pong`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Node, Problem, Read, Value, table, table_schema},
    values::{ExpressionText, Text, expression_of, has_holes},
};

table! {
    /// The server's answer.
    #[derive(PartialEq)]
    pub(in crate::config) struct PongTable {
        /// An expression that is true for it. `id` is the number of an unanswered ping.
        when: ExpressionText,
    }
}

/// The server's answer: the whole message, or an expression.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) enum PongLayer {
    Text(Text),
    When(ExpressionText),
}

impl Read for PongLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let entries = match &node.value {
            Value::String(text) if has_holes(text) => {
                let help =
                    "write a condition: pong = { when = '/id == id' }; a literal ${ is written $${";
                context.wrong(
                    node.place,
                    "`pong` as a text is the whole message: `${…}` is not filled in here",
                    help,
                );
                return None;
            }
            Value::String(_) => return Text::read(node, context).map(Self::Text),
            Value::Table(entries) => entries,
            _ => return context.wrong_type(node, "a text, or { when = '/op == \"pong\"' }"),
        };
        let has_when = entries.iter().any(|entry| entry.key == "when");
        if let (false, Some(expression)) = (has_when, expression_of(entries)) {
            let message = "the pong is matched by an expression";
            context.wrong(
                node.place,
                message,
                format!("write {{ when = {expression} }}"),
            );
            return None;
        }
        let when = PongTable::read(node, context)?.when;
        if !has_when {
            let problem = Problem::absence(node.place, "`pong` has no `when`")
                .help("write pong = { when = '/op == \"pong\"' }, or the whole message as a text");
            context.problems.push(problem);
        }
        when.map(|when| Self::When(when.value))
    }

    fn schema() -> Json {
        json!({ "anyOf": [Text::schema(), table_schema::<PongTable>()] })
    }
}
