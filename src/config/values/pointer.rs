//! JSON Pointers (RFC 6901).

use serde_json::{Value as Json, json};

use super::text::{escaped, plain};
use crate::{
    config::read::{Context, Node, Read, backticked, field},
    core::{InvalidPointer, JsonPointer, MAX_POINTER},
};

/// The place of a value in a JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Pointer(pub JsonPointer);

field! { Pointer <=> JsonPointer: |pointer| pointer.0, |pointer| escaped(&pointer.to_string()) }
field! {
    Pointer <=> Option<JsonPointer>: |pointer| Some(pointer.0).filter(|pointer| !pointer.is_root()),
    |pointer| pointer.as_ref().map_or_else(String::new, |pointer| escaped(&pointer.to_string()))
}

impl Read for Pointer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        // A wrong value was reported; it does not count as missing.
        let text = plain(node, context, "a JSON Pointer such as \"/data/t\"").unwrap_or_default();
        let pointer = JsonPointer::new(&text).unwrap_or_else(|error| {
            let message = format!("invalid JSON Pointer {}: {error}", backticked(&text));
            context.wrong(node.place, message, help(&text, error));
            JsonPointer::root()
        });
        Some(Self(pointer))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(/([^~/]|~[01])*)*$", "maxLength": MAX_POINTER })
    }
}

/// The help. Paths in other notations, `data.t`, `$.items[0]`, are answered with the equivalent
/// pointer.
fn help(text: &str, error: InvalidPointer) -> String {
    match error {
        InvalidPointer::NoSlash => {
            let path = text.trim_start_matches(['$', '.']).replace(['.', '['], "/");
            format!("write {:?}", format!("/{}", path.replace(']', "")))
        }
        InvalidPointer::Escape(_) => {
            "write ~0 for a ~ in a key, and ~1 for a / in a key (RFC 6901 §3)".into()
        }
        InvalidPointer::TooLong(_) => "write a shorter one".into(),
    }
}
