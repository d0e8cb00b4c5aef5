//! The page, table by table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{examples::Examples, takes::takes};

const HEAD: &str = "\
# Configuration

<!-- tests/config_keys/page writes this file: EVERWIRE_BLESS=1 cargo test --test config_keys page. The texts are in src/config/keys. -->

All keys of a configuration, each with its values, its default and its purpose. `everwire schema` and `everwire check` use the same keys.
If a key has no default, the table shows an example. [`config/full.toml`](../config/full.toml) has all keys in one file, and
[`config/everwire.toml`](../config/everwire.toml) is a short file to start from.

- A duration is written `\"500ms\"`, `\"10s\"`, `\"1h30m\"` or `\"1d\"`; a size `\"16MiB\"`, `\"500kB\"`, or a number of bytes; a rate `\"200/s\"`, `\"300/5m\"` or
  `\"unlimited\"`.
- A template is a text with `${…}` in it. `${NAME}` is an environment variable, `${file:PATH}` a file that is read for each dial;
  [dialogue.md](dialogue.md) describes expressions and the rest of the language.
- Relative paths start at the folder of the file.
- A connection inherits from `[defaults]`, then from its group, then from its fleet. Tables are merged key by key, lists are replaced, and
  a header of `\"\"` is removed.
- All errors are reported at once, with file, line and column. The service does not start with an invalid configuration, and a reload of one
  changes nothing.
";

const CONNECTION: &str = "connections.*";

/// Longer examples are not shown.
const SHORT: usize = 60;

/// Writes the page.
pub struct Writer<'a> {
    examples: Examples<'a>,
    schema: Json,
    headings: Headings,
    /// The ids of the rows.
    ids: BTreeSet<String>,
    text: String,
}

/// The anchor of each table's heading, by the JSON of the table's keys.
#[derive(Default)]
struct Headings(BTreeMap<String, String>);

impl Headings {
    /// Inserts a heading. Returns whether there was none for these keys.
    fn insert_new(&mut self, keys: String, heading: String) -> bool {
        let is_new = !self.0.contains_key(&keys);
        self.0.entry(keys).or_insert(heading);
        is_new
    }
}

/// A table with its own heading.
struct Table {
    path: Vec<String>,
    schema: Json,
    /// Whether the path ends in a list: `[[path]]`.
    is_list: bool,
}

impl<'a> Writer<'a> {
    pub fn new(examples: Examples<'a>, schema: Json) -> Self {
        Self {
            examples,
            schema,
            headings: Headings::default(),
            ids: BTreeSet::new(),
            text: HEAD.to_owned(),
        }
    }

    pub fn page(mut self) -> String {
        let mut schema = self.schema.clone();
        let connection = schema["$defs"]["connection"].clone();
        schema["description"] = "The top level of a file.".into();
        let heading = anchor(&title(&path(CONNECTION)));
        self.headings.insert_new(keys_of(&connection), heading);
        self.only_own_keys_of_fleets(&mut schema, &connection);
        self.table(&Table {
            path: Vec::new(),
            schema,
            is_list: false,
        });
        self.text
    }

    /// A fleet has all keys of a connection, which are described once.
    fn only_own_keys_of_fleets(&self, schema: &mut Json, connection: &Json) {
        let fleet = &mut schema["properties"]["fleet"]["additionalProperties"];
        let words = fleet["description"].as_str().unwrap_or_default();
        fleet["description"] =
            format!("{words} Besides these keys it has those of a [connection](#connectionsname).")
                .into();
        let keys = fleet["properties"].as_object_mut().unwrap();
        keys.retain(|key, _| connection["properties"].get(key).is_none());
    }

    /// Writes the heading, the keys, and then the tables below it.
    fn table(&mut self, table: &Table) {
        let keys = self.ordered(&table.path, &table.schema);
        let mut below = self.tables_below(&table.path, &keys);
        self.heading(table);
        self.text += "| key | takes | default | what it is for |\n| --- | --- | --- | --- |\n";
        for (key, value) in &keys {
            self.row(&join(&table.path, key), key, value);
        }
        if table.path.is_empty() {
            self.insert_connection(&mut below);
        }
        for table in &below {
            self.table(table);
        }
    }

    fn heading(
        &mut self,
        Table {
            path,
            schema,
            is_list,
        }: &Table,
    ) {
        let title = title(path);
        let is_of_connection = path.len() > 2 && path[..2] == self::path(CONNECTION);
        let shown = match (path.is_empty(), is_of_connection, is_list) {
            (true, ..) => "The file".to_owned(),
            (_, true, _) => format!("`{title}`"),
            (_, _, true) => format!("`[[{title}]]`"),
            (_, _, false) => format!("`[{title}]`"),
        };
        let level = (path.iter().filter(|part| *part != "*").count() + 1).clamp(2, 4);
        let about = schema["description"].as_str().unwrap_or_default();
        self.text += &format!("\n{} {shown}\n\n{about}\n\n", "#".repeat(level));
    }

    /// The tables in the values of these keys that have no heading yet. They get one here.
    fn tables_below(&mut self, path: &[String], keys: &[(String, Json)]) -> Vec<Table> {
        let mut tables = Vec::new();
        for (key, value) in keys {
            tables_in(value, &join(path, key), false, &mut tables);
        }
        tables.retain(|table| {
            let heading = anchor(&title(&table.path));
            let keys = keys_of(&table.schema);
            table.schema["$ref"].is_null() && self.headings.insert_new(keys, heading)
        });
        tables
    }

    /// Inserts it before the fleets, which have its keys as well.
    fn insert_connection(&self, tables: &mut Vec<Table>) {
        let at = tables.iter().position(|table| table.path[0] == "fleet");
        let connection = Table {
            path: path(CONNECTION),
            schema: self.schema["$defs"]["connection"].clone(),
            is_list: false,
        };
        tables.insert(at.unwrap_or(tables.len()), connection);
    }

    /// The keys in the order of the file, followed by those that the file does not have.
    fn ordered(&self, path: &[String], schema: &Json) -> Vec<(String, Json)> {
        let keys = schema["properties"].as_object().unwrap();
        let mut keys: Vec<_> = keys
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        keys.sort_by_key(|(key, _)| {
            let example = self.examples.of(&join(path, key));
            example.map_or(usize::MAX, |example| example.position)
        });
        keys
    }

    fn row(&mut self, path: &[String], key: &str, value: &Json) {
        let link = |schema: &Json| match schema["$ref"].as_str() {
            Some(_) => anchor(&title(&self::path(CONNECTION))),
            None => self.headings.0[&keys_of(schema)].clone(),
        };
        let takes = takes(value, &link);
        let default = self.default_of(path, value);
        let about = value["description"].as_str().unwrap_or_default();
        let id = title(path);
        // The id may be taken by a heading, or by a key of the same name at the top of a file.
        let is_free = !self.headings.0.values().any(|heading| *heading == id);
        let id = match is_free && self.ids.insert(id.clone()) {
            true => format!("<a id=\"{id}\"></a>"),
            false => String::new(),
        };
        let cells = [format!("{id}`{key}`"), takes, default, about.to_owned()];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        self.text += &format!("| {} |\n", cells.join(" | "));
    }

    fn default_of(&self, path: &[String], value: &Json) -> String {
        if let Some(default) = value.get("default") {
            return format!("`{default}`");
        }
        if !is_scalar(value) {
            return String::new();
        }
        let example = self.examples.of(path).map(|example| example.written);
        match example.filter(|written| written.len() <= SHORT && !written.contains('\n')) {
            Some(written) => format!("none, such as `{written}`"),
            None => "none".into(),
        }
    }
}

/// The identity of a table: tables with the same keys share a heading.
fn keys_of(schema: &Json) -> String {
    schema["properties"].to_string()
}

/// The tables in the values of a key.
fn tables_in(schema: &Json, path: &[String], is_list: bool, found: &mut Vec<Table>) {
    if schema["properties"].is_object() {
        let (path, schema) = (path.to_vec(), schema.clone());
        found.push(Table {
            path,
            schema,
            is_list,
        });
        return;
    }
    for option in schema["anyOf"].as_array().into_iter().flatten() {
        tables_in(option, path, is_list, found);
    }
    if schema["items"].is_object() {
        tables_in(&schema["items"], path, true, found);
    }
    if schema["additionalProperties"].is_object() {
        tables_in(
            &schema["additionalProperties"],
            &join(path, "*"),
            is_list,
            found,
        );
    }
}

/// Whether the value can be something else than a table, so that an example fits on one line.
fn is_scalar(schema: &Json) -> bool {
    match schema["anyOf"].as_array() {
        Some(options) => options.iter().any(is_scalar),
        None => {
            schema["properties"].is_null()
                && schema["additionalProperties"].is_null()
                && schema["$ref"].is_null()
        }
    }
}

fn path(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

fn join(path: &[String], key: &str) -> Vec<String> {
    [path, &[key.to_owned()]].concat()
}

/// The displayed form of a path: below a connection without the common prefix.
fn title(path: &[String]) -> String {
    let path = match path {
        [first, second, below @ ..]
            if first == "connections" && second == "*" && !below.is_empty() =>
        {
            below
        }
        _ => path,
    };
    let mut shown: Vec<&str> = Vec::new();
    for part in path {
        shown.push(match part.as_str() {
            "*" if matches!(shown.last(), Some(&("connections" | "groups" | "fleet"))) => "NAME",
            "*" => "KEY",
            part => part,
        });
    }
    shown.join(".")
}

/// The anchor of a heading, as GitHub and mdBook make it.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || *c == '_');
    kept.flat_map(char::to_lowercase).collect()
}
