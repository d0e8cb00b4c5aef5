//! The JSON Schema of a configuration file.

use serde_json::{Value as Json, json};

use super::{
    keys::{ConnectionTable, DocumentTable},
    read::table_schema,
};

/// The JSON Schema (2020-12) of a configuration file: each key with what it is for, what it takes, and its default.
///
/// It is made from the declarations that the reader is made from, so that it describes what is read.
pub fn schema() -> Json {
    let mut schema = table_schema::<DocumentTable>();
    let connection = table_schema::<ConnectionTable>();
    name_definition(&mut schema, &connection, "#/$defs/connection");
    schema["$defs"] = json!({ "connection": connection });
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "everwire".into();
    schema
}

/// Replaces each copy of a definition, which may have a description of its own, by a reference.
fn name_definition(schema: &mut Json, definition: &Json, reference: &str) {
    if schema.is_object() && schema.get("properties") == definition.get("properties") {
        let description = schema["description"].take();
        *schema = json!({ "$ref": reference, "description": description });
        return;
    }
    match schema {
        Json::Object(map) => {
            map.values_mut()
                .for_each(|schema| name_definition(schema, definition, reference));
        }
        Json::Array(items) => {
            items
                .iter_mut()
                .for_each(|schema| name_definition(schema, definition, reference));
        }
        _ => {}
    }
}
