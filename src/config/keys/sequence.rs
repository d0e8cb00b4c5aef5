//! `sequence`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{Context, Node, Place, Problem, Read, Value, backticked, table, table_schema},
    values::Pointer,
};
use everwire_proto::settings::SequenceSettings;

table! {
    /// Where the peer's own numbers stand in its text messages.
    pub(in crate::config) struct SequenceTable {
        /// Where the number stands, which grows by one from message to message, as a JSON Pointer (RFC 6901): "/data/t".
        json: Pointer,
        /// Where the name of the stream stands in which the number counts; "": all numbers are of one stream.
        by: Pointer = "",
    }
}

/// Where the peer's own numbers stand: a table, or "none".
#[derive(Clone, Debug)]
pub(in crate::config) enum SequenceLayer {
    None,
    Table(Box<SequenceTable>),
}

impl Read for SequenceLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => SequenceTable::read(node, context)
                .map(Box::new)
                .map(Self::Table),
            Value::String(text) if text == "none" => Some(Self::None),
            Value::String(text) => {
                let message = format!("{} is not known here", backticked(text));
                context.wrong(
                    node.place,
                    message,
                    "write \"none\", or a table: { json = \"/data/t\" }",
                );
                None
            }
            _ => context.wrong_type(node, "a table or \"none\""),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [table_schema::<SequenceTable>(), { "const": "none" }] })
    }

    fn overlay(&mut self, nearer: Self) {
        match (self, nearer) {
            (Self::Table(table), Self::Table(nearer)) => table.overlay(*nearer),
            (this, nearer) => *this = nearer,
        }
    }
}

impl SequenceLayer {
    /// The settings of the key at `place`; `None` if there are none, or what is wrong has been told.
    pub fn settings(self, place: Place, context: &mut Context<'_>) -> Option<SequenceSettings> {
        let table = match self {
            Self::None => return None,
            Self::Table(table) => *table,
        };
        let Some(json) = table.json else {
            let problem = Problem::absence(place, "`sequence` has no json")
                .help("write where the number stands: sequence = { json = \"/data/t\" }");
            context.problems.push(problem);
            return None;
        };
        let by = table.by.map(|by| by.value.0);
        Some(SequenceSettings {
            json: json.value.0,
            by: by.filter(|by| !by.is_root()),
        })
    }
}
