//! `sequence`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{
        Context, IntoField, IntoSettings, Node, Place, Problem, Read, ShowField, ShowSettings,
        Value, backticked, table, table_schema,
    },
    values::Pointer,
};
use everwire_proto::settings::SequenceSettings;

table! {
    /// Where the peer's own numbers are in its text messages.
    pub(in crate::config) struct SequenceTable <=> SequenceSettings {
        /// The place of the number, which grows by one from message to message, as a JSON Pointer
        /// (RFC 6901): "/data/t".
        json: Pointer,
        /// The place of the name of the stream that the number belongs to; "": all numbers are of
        /// one stream.
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
                let message = format!("invalid value {}", backticked(text));
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

impl IntoField<Option<SequenceSettings>> for SequenceLayer {
    /// Also `None` after errors, which are reported.
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Option<SequenceSettings> {
        let table = match self {
            Self::None => return None,
            Self::Table(table) => *table,
        };
        let Some(json) = &table.json else {
            let problem = Problem::absence(place, "`sequence` has no `json`")
                .help("write where the number stands: sequence = { json = \"/data/t\" }");
            context.problems.push(problem);
            return None;
        };
        let settings = SequenceSettings::new(json.value.0.clone());
        Some(table.over(settings, context))
    }
}

impl ShowField<Option<SequenceSettings>> for SequenceLayer {
    fn show_field(field: &Option<SequenceSettings>) -> Json {
        match field {
            None => json!("none"),
            Some(sequence) => SequenceTable::masked(sequence),
        }
    }
}
