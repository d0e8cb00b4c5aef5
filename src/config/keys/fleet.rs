//! `[fleet.NAME]`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value as Json, json};

use super::{ConnectionTable, Spread};
use crate::config::{
    fleet::{MAX_NAMES, has_braces},
    read::{
        Context, Entry, Keys, Located, Node, Place, Problem, Read, Section, Value, read_entries,
        table, table_schema, unknown_key,
    },
    values::{FilePath, Text},
};

table! {
    /// The source of a fleet's names: one of range, names, names_file, rows_file.
    pub(in crate::config) struct FleetKeys {
        /// The first and the last number: {i} and {i:0N} stand for each, {i:04} with leading zeros.
        range: NumberRange,
        /// Names: {name} stands for each, {i} for its position, from 1.
        names: NameList,
        /// A file of names, one per line; empty lines and lines that start with # are ignored.
        names_file: FilePath,
        /// A CSV file (RFC 4180) whose first line names its columns: {column} stands for the value of a column.
        rows_file: FilePath,
        /// The connections' names. Without it: {name}, an item of names or the column "name".
        name: Text,
        /// Subscriptions that the names share, round robin: the first goes to the first name, the
        /// second to the second, and so on. No name has more than subscribe.max.
        spread: Spread,
    }
}

/// A fleet: many connections from one template.
#[derive(Clone, Debug)]
pub(in crate::config) struct FleetTable {
    /// The source of its names.
    pub keys: FleetKeys,
    /// The keys that are the same for all of its connections.
    pub fixed: ConnectionTable,
    /// The keys with braces, which are read for each connection.
    pub varying: Vec<Entry>,
}

/// A range of whole numbers.
#[derive(Clone, Debug)]
pub(in crate::config) struct NumberRange(pub RangeInclusive<u64>);

/// Names, with their places.
#[derive(Clone, Debug)]
pub(in crate::config) struct NameList(pub Vec<Located<Text>>);

impl Read for FleetTable {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table");
        };
        let mut keys = FleetKeys::default();
        let mut fixed = Vec::new();
        let mut varying = Vec::new();
        for entry in entries {
            if keys.set(&entry.key, &entry.node, context) {
                continue;
            }
            if !ConnectionTable::NAMES.contains(&entry.key.as_str()) {
                let known = [FleetKeys::NAMES, ConnectionTable::NAMES];
                unknown_key(
                    &entry.key,
                    entry.place,
                    &known,
                    ConnectionTable::LATER,
                    context,
                );
            } else if has_braces(&entry.node) {
                varying.push(entry.clone());
            } else {
                fixed.push(entry);
            }
        }
        let written = |key: &&Entry| {
            ["range", "names", "names_file", "rows_file"].contains(&key.key.as_str())
        };
        let sources: Vec<&Entry> = entries.iter().filter(written).collect();
        check_sources(&sources, node.place, context);
        refuse_both(entries, ["url", "urls"], URLS, context);
        refuse_both(entries, ["on_open", "open_script"], SCRIPT, context);
        Some(Self {
            keys,
            fixed: read_entries(fixed, context),
            varying,
        })
    }

    fn schema() -> Json {
        let mut schema = table_schema::<ConnectionTable>();
        schema["description"] =
            "Many connections from one template. The tokens {i}, {i:0N}, {name} and {column} \
            expand in every string, unless a $ stands before them; other braces are literal."
                .into();
        let mut properties: Map<String, Json> = FleetKeys::properties();
        properties.extend(
            ConnectionTable::properties()
                .into_iter()
                .map(|(key, mut schema)| {
                    allow_tokens(&mut schema);
                    (key, schema)
                }),
        );
        schema["properties"] = properties.into();
        let sources =
            ["range", "names", "names_file", "rows_file"].map(|key| json!({ "required": [key] }));
        schema["oneOf"] = sources.to_vec().into();
        schema
    }
}

/// A fleet has exactly one source of names.
fn check_sources(sources: &[&Entry], fleet: Place, context: &mut Context<'_>) {
    let help = "write one of range, names, names_file, rows_file";
    match sources {
        [] => context
            .problems
            .push(Problem::absence(fleet, "the fleet has no names").help(help)),
        [_] => {}
        [first, others @ ..] => {
            for other in others {
                let message = format!("`{}` and `{}` exclude each other", first.key, other.key);
                let problem = Problem::new(other.place, message)
                    .related(first.place, "the other one is here")
                    .help(help);
                context.problems.push(problem);
            }
        }
    }
}

/// The help for `url` beside `urls`.
pub(in crate::config) const URLS: &str = "write all of them into urls, in the order of preference";

/// The help for `on_open` beside `open_script`.
pub(in crate::config) const SCRIPT: &str =
    "write each message of on_open as a step: open_script = [{ send = '…' }]";

/// One of them may be read per connection and the other only once, so they might never be in one
/// table.
fn refuse_both(entries: &[Entry], keys: [&str; 2], help: &str, context: &mut Context<'_>) {
    let is_empty = |node: &Node| matches!(&node.value, Value::Array(items) if items.is_empty());
    let find = |key| entries.iter().find(|entry| entry.key == key);
    let [first, second] = keys.map(|key| find(key).filter(|entry| !is_empty(&entry.node)));
    if let (Some(first), Some(second)) = (first, second) {
        let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
        let problem = Problem::new(second.place, message)
            .related(first.place, format!("{} is here", first.key))
            .help(help);
        context.problems.push(problem);
    }
}

/// In a fleet a string may contain tokens, which no schema pattern allows for.
fn allow_tokens(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "string") {
                for key in ["pattern", "enum", "anyOf"] {
                    map.remove(key);
                }
            }
            map.values_mut().for_each(allow_tokens);
        }
        Json::Array(items) => items.iter_mut().for_each(allow_tokens),
        _ => {}
    }
}

impl Section for FleetTable {
    const SECTION: &'static str = "fleet";
    const WHAT: &'static str = "fleet";
    const KEYS: &'static [&'static [&'static str]] = &[
        FleetKeys::NAMES,
        ConnectionTable::NAMES,
        ConnectionTable::LATER,
    ];
}

impl Read for NumberRange {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let numbers = match &node.value {
            Value::Array(items) => match &items[..] {
                [
                    Node {
                        value: Value::Integer(first),
                        ..
                    },
                    Node {
                        value: Value::Integer(last),
                        ..
                    },
                ] => (u64::try_from(*first), u64::try_from(*last)),
                _ => {
                    return context
                        .wrong_type(node, "the first and the last number, as in [1, 1000]");
                }
            },
            _ => return context.wrong_type(node, "the first and the last number, as in [1, 1000]"),
        };
        let (Ok(first), Ok(last)) = numbers else {
            context.wrong(
                node.place,
                "a number of a range is negative",
                "start at 0 or 1",
            );
            return None;
        };
        if first > last {
            let help = format!("write the smaller number first: [{last}, {first}]");
            context.wrong(node.place, "the range is empty", help);
            return None;
        }
        if last - first >= MAX_NAMES as u64 {
            let message = format!("the range has {} names", u128::from(last - first) + 1);
            context.wrong(
                node.place,
                message,
                format!("a fleet has at most {MAX_NAMES} names"),
            );
            return None;
        }
        Some(Self(first..=last))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 2, "maxItems": 2 })
    }
}

impl Read for NameList {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Array(items) = &node.value else {
            return context.wrong_type(node, "an array of names");
        };
        let names = items.iter().filter_map(|item| Located::read(item, context));
        Some(Self(names.collect()))
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": Text::schema() })
    }
}
