//! `decode`.

use serde_json::{Value as Json, json};

use crate::config::{
    read::{
        Context, IntoField, Node, Place, Problem, Read, ShowField, Value, backticked, similar,
        table, table_schema,
    },
    values::{Text, escaped},
};
use everwire_proto::decode::{Decoding, Format, InvalidDecoding, MAX_STAGES, Separator, Stage};

table! {
    /// A separator of several messages within one.
    pub(in crate::config) struct SplitTable {
        /// The separator between two messages, or after each: "\u001e".
        split: Text,
    }
}

/// How messages are decoded: a word, a table, or a list of them; or "none".
#[derive(Clone, Debug)]
pub(in crate::config) struct DecodeLayer(Vec<Stage>);

impl DecodeLayer {
    /// Whether there is anything to decode.
    pub fn decodes(&self) -> bool {
        !self.0.is_empty()
    }
}

const NONE: &str = "none";

const HELP: &str = r#"write "gzip", "zlib", "deflate", "zlib-stream", { split = "\u001e" }, a list of them, or "none""#;

const WORDS: [(Format, Stage); 4] = [
    (Format::Gzip, Stage::Gzip),
    (Format::Zlib, Stage::Zlib),
    (Format::Deflate, Stage::Deflate),
    (Format::ZlibStream, Stage::ZlibStream),
];

impl Read for DecodeLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let stages = match &node.value {
            Value::String(text) if text == NONE => Vec::new(),
            Value::Array(items) => {
                let stages = items.iter().map(|item| read_stage(item, context));
                // All are read, so that all errors are reported.
                stages
                    .collect::<Vec<_>>()
                    .into_iter()
                    .collect::<Option<_>>()?
            }
            _ => vec![read_stage(node, context)?],
        };
        match Decoding::new(stages.clone()) {
            // An empty list is "none".
            Ok(_) | Err(InvalidDecoding::Empty) => Some(Self(stages)),
            Err(invalid) => {
                let help = match invalid {
                    InvalidDecoding::TwoStreams => "write it once",
                    _ => {
                        "a message goes through them one after another: write what the server has done, last first"
                    }
                };
                context.wrong(node.place, invalid.to_string(), help);
                None
            }
        }
    }

    fn schema() -> Json {
        let words: Vec<_> = WORDS.iter().map(|(format, _)| format.as_str()).collect();
        let split = table_schema::<SplitTable>();
        let stage = json!({ "anyOf": [{ "type": "string", "enum": words }, split] });
        json!({ "anyOf": [
            stage,
            { "type": "array", "items": stage, "maxItems": MAX_STAGES },
            { "const": NONE },
        ] })
    }
}

fn read_stage(node: &Node, context: &mut Context<'_>) -> Option<Stage> {
    match &node.value {
        Value::String(text) => read_word(text, node.place, context),
        Value::Table(_) => read_split(node, context),
        _ => context.wrong_type(node, "a word such as \"gzip\", or { split = \"\\u001e\" }"),
    }
}

fn read_word(text: &str, place: Place, context: &mut Context<'_>) -> Option<Stage> {
    let found = WORDS.iter().find(|(format, _)| format.as_str() == text);
    if found.is_none() {
        let words = WORDS.iter().map(|(format, _)| format.as_str());
        let help = match similar(&text.to_lowercase(), words.chain([NONE])) {
            Some(meant) => format!("did you mean {meant:?}? {HELP}"),
            None => HELP.into(),
        };
        context.wrong(place, format!("invalid value {}", backticked(text)), help);
    }
    found.map(|(_, stage)| stage.clone())
}

fn read_split(node: &Node, context: &mut Context<'_>) -> Option<Stage> {
    const HELP: &str = r#"write what stands between two messages: { split = "\u001e" }"#;
    let table = SplitTable::read(node, context)?;
    let Some(split) = table.split else {
        // Misspelt keys and values of a wrong type were reported already.
        if matches!(&node.value, Value::Table(entries) if entries.is_empty()) {
            let problem = Problem::absence(node.place, "the table has no `split`").help(HELP);
            context.problems.push(problem);
        }
        return None;
    };
    match Separator::new(split.value.0) {
        Ok(separator) => Some(separator.into()),
        Err(invalid) => {
            context.wrong(split.place, invalid.to_string(), HELP);
            None
        }
    }
}

impl IntoField<Option<Decoding>> for DecodeLayer {
    /// It was checked when it was read; without stages there is nothing to decode.
    fn into_field(self, _: Place, _: &mut Context<'_>) -> Option<Decoding> {
        Decoding::new(self.0).ok()
    }
}

impl ShowField<Option<Decoding>> for DecodeLayer {
    fn show_field(field: &Option<Decoding>) -> Json {
        let show = |stage: &Stage| match stage {
            Stage::Split(separator) => json!({ "split": escaped(separator.as_str()) }),
            compressed => json!(compressed.format().map(Format::as_str)),
        };
        match field.as_ref().map(Decoding::stages) {
            None => json!(NONE),
            Some([stage]) => show(stage),
            Some(stages) => stages.iter().map(show).collect(),
        }
    }
}
