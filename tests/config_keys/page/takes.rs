//! Describes the values of a key in words, from its JSON Schema.

use serde_json::Value as Json;

/// Patterns that are described by their meaning.
const PATTERNS: [(&str, &str); 13] = [
    (r"^(?!$)(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$", "duration"),
    (r"^\d+([kKMGT]B|[KMGT]iB|B)?$", "size"),
    (r"^auto$|^\d+([kKMGT]B|[KMGT]iB|B)?$", "`\"auto\"` or size"),
    (r"^(unlimited|\d+/(\d*(d|h|m|s|ms))+)$", "rate"),
    (r"^\d+/(\d*(d|h|m|s|ms))+$", "rate"),
    (r"^.+:\d+$", "address and port"),
    (r"^([Hh][Tt][Tt][Pp][Ss]?://[^@?#]+)?$", "URL"),
    (r"\$\{", "template"),
    (r"^(/([^~/]|~[01])*)*$", "JSON Pointer"),
    (r"^(?!-|$)", "duration, or two as in `\"1s-5s\"`"),
    (
        r"^([A-Za-z0-9!#$%&'*+.^_`|~-]|\$\{[^}]+\})+$",
        "token, or template",
    ),
    (r"^(status:", "`status:N`, `close:N` or `cause:WORD`"),
    (r"^(?!.*\.\.)[A-Za-z0-9]", "name"),
];

/// The description of a schema; `link` returns where the keys of a table are described.
pub fn takes(schema: &Json, link: &dyn Fn(&Json) -> String) -> String {
    let mut options = Vec::new();
    alternatives(schema, link, &mut options);
    let mut told: Vec<String> = Vec::new();
    for option in options {
        if !told.contains(&option) {
            told.push(option);
        }
    }
    // A size may be a number of bytes.
    if told.iter().any(|option| option.ends_with("size")) {
        told.retain(|option| !option.starts_with("whole number"));
    }
    let last = told.pop().unwrap_or_default();
    match told.is_empty() {
        true => last,
        false => format!("{} or {last}", told.join(", ")),
    }
}

fn alternatives(schema: &Json, link: &dyn Fn(&Json) -> String, told: &mut Vec<String>) {
    if let Some(value) = schema.get("const") {
        told.push(format!("`{value}`"));
    } else if let Some(values) = schema["enum"].as_array() {
        told.extend(values.iter().map(|value| format!("`{value}`")));
    } else if schema["properties"].is_object() || schema["$ref"].is_string() {
        told.push(format!("[table](#{})", link(schema)));
    } else if let Some(options) = schema["anyOf"].as_array() {
        for option in options {
            alternatives(option, link, told);
        }
    } else {
        match &schema["type"] {
            Json::String(kind) => told.push(of_type(kind, schema, link)),
            Json::Array(kinds) => {
                let kinds = kinds.iter().filter_map(Json::as_str);
                told.extend(kinds.map(|kind| of_type(kind, schema, link)));
            }
            _ if schema["format"].is_string() => told.push("IP address".into()),
            _ if schema["minimum"].is_number() => told.push(range(schema)),
            _ => told.push("anything".into()),
        }
    }
}

fn of_type(kind: &str, schema: &Json, link: &dyn Fn(&Json) -> String) -> String {
    match kind {
        "boolean" => "`true` or `false`".into(),
        "integer" => range(schema),
        "number" => "number".into(),
        "string" => text(schema).into(),
        "array" if schema["items"].is_object() => {
            let items = takes(&schema["items"], link);
            format!("list of {}", items.replace("[table]", "[tables]"))
        }
        "array" => "list".into(),
        "object" if schema["additionalProperties"].is_object() => {
            let values = takes(&schema["additionalProperties"], link);
            format!("by name: {values}")
        }
        "object" => "table".into(),
        _ => panic!("a type without words: {schema}"),
    }
}

fn text(schema: &Json) -> &'static str {
    if schema["contentEncoding"] == "base64" {
        return "base64";
    }
    let Some(pattern) = schema["pattern"].as_str() else {
        return "text";
    };
    let exact = PATTERNS.iter().find(|(known, _)| *known == pattern);
    let begins = || {
        PATTERNS
            .iter()
            .find(|(known, _)| pattern.starts_with(known))
    };
    let Some((_, words)) = exact.or_else(begins) else {
        panic!("a pattern without words: {pattern}");
    };
    words
}

/// Describes a range. An upper bound that only comes from the number's type is omitted.
fn range(schema: &Json) -> String {
    let bound = |key: &str| schema[key].as_u64();
    let maximum = bound("maximum").filter(|maximum| *maximum < u64::from(u32::MAX));
    match (bound("minimum").unwrap_or(0), maximum) {
        (0, None) => "whole number".into(),
        (minimum, None) => format!("whole number, at least {minimum}"),
        (minimum, Some(maximum)) => format!("{minimum} to {maximum}"),
    }
}
