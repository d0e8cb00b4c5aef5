//! The JSON Schema of a configuration file.

use serde_json::{Value as Json, json};

use super::{
    keys::{ConnectionTable, DocumentTable},
    read::{Entry, Keys as _, Node, Problems, Value, parse, table_schema},
};

/// The JSON Schema (2020-12) of a configuration file: the purpose, type and default of each key.
///
/// It comes from the same declarations as the reader, so both agree.
pub fn schema() -> Json {
    let mut schema = table_schema::<DocumentTable>();
    let connection = table_schema::<ConnectionTable>();
    name_definition(&mut schema, &connection, "#/$defs/connection");
    schema["$defs"] = json!({ "connection": connection });
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "everwire".into();
    schema
}

/// The same with these connection keys as the defaults.
pub(super) fn with_defaults(keys: &str) -> Json {
    let mut schema = schema();
    // Errors in them are reported whenever a configuration is read over them.
    let keys = parse(keys, 0, &mut Problems::default());
    set_in_connections(&mut schema, &keys);
    schema
}

/// Sets the defaults of each table that has all keys of a connection: a fleet has more.
fn set_in_connections(schema: &mut Json, keys: &[Entry]) {
    let has_all = |properties: &Json| {
        let mut names = ConnectionTable::NAMES.iter();
        names.all(|name| properties.get(name).is_some())
    };
    if schema.get("properties").is_some_and(has_all) {
        set_defaults(schema, keys);
    }
    match schema {
        Json::Object(map) => map
            .values_mut()
            .for_each(|schema| set_in_connections(schema, keys)),
        Json::Array(items) => items
            .iter_mut()
            .for_each(|schema| set_in_connections(schema, keys)),
        _ => {}
    }
}

fn set_defaults(table: &mut Json, keys: &[Entry]) {
    for Entry { key, node, .. } in keys {
        let Some(schema) = table.pointer_mut(&format!("/properties/{key}")) else {
            continue;
        };
        match &node.value {
            Value::Table(keys) if schema.get("properties").is_some() => set_defaults(schema, keys),
            _ => schema["default"] = json(node),
        }
    }
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::String(text) | Value::Datetime(text) => text.as_str().into(),
        &Value::Integer(number) => number.into(),
        &Value::Float(number) => number.into(),
        &Value::Boolean(value) => value.into(),
        Value::Null => Json::Null,
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Table(entries) => {
            let entries = entries.iter();
            entries
                .map(|entry| (entry.key.clone(), json(&entry.node)))
                .collect()
        }
    }
}

/// Replaces each copy of a definition by a reference. A copy may have its own description.
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
