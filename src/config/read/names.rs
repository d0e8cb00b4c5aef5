//! Tables of named things: `[connections.NAME]`, `[groups.NAME]`, `[fleet.NAME]`.

use std::collections::{HashMap, hash_map};

use serde_json::{Value as Json, json};

use super::{Context, Entry, Node, Place, Problem, Read, Value, backticked, similar};
use crate::core::{ConnectionName, InvalidName};

/// The pattern of a connection's name, for JSON Schema.
pub(in crate::config) const NAME_PATTERN: &str =
    r"^(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._:-]{0,126}[A-Za-z0-9])?$";

/// What is declared under a name.
pub(in crate::config) trait Section: Read {
    /// The section's key in the file.
    const SECTION: &'static str;
    /// The noun for one of them.
    const WHAT: &'static str;
    /// The pattern of a name, for JSON Schema.
    const NAME_PATTERN: &'static str = NAME_PATTERN;

    /// The keys of such a table, now or later.
    const KEYS: &'static [&'static [&'static str]];

    /// Whether a key belongs to such a table, now or later.
    fn knows(key: &str) -> bool {
        Self::KEYS.iter().any(|keys| keys.contains(&key))
    }

    /// Checks a name, and normalises it for lookups.
    ///
    /// # Errors
    ///
    /// Why the name is invalid.
    fn name(name: &str) -> Result<String, String> {
        ConnectionName::new(name)
            .map(|name| name.as_str().to_owned())
            .map_err(|error: InvalidName| error.to_string())
    }
}

/// Named things, in the order of the file.
#[derive(Clone, Debug)]
pub(in crate::config) struct Named<T>(pub Vec<Item<T>>);

/// A named thing.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct Item<T> {
    /// A valid name.
    pub name: String,
    /// The place of the name.
    pub place: Place,
    pub value: T,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Section> Read for Named<T> {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            return context.wrong_type(node, "a table of names");
        };
        let mut named = Self::default();
        for entry in entries {
            named.read_entry(&entry.key, entry, context);
        }
        named.refuse_doubles(context);
        Some(named)
    }

    fn schema() -> Json {
        json!({
            "type": "object",
            "propertyNames": { "pattern": T::NAME_PATTERN },
            "additionalProperties": T::schema(),
        })
    }
}

/// The name that may be meant by one that cannot be used.
fn likely_name(name: &str) -> Option<String> {
    let is_usual = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let likely = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let likely: String = likely
        .chars()
        .map(|c| if is_usual(c) { c } else { '-' })
        .take(64)
        .collect();
    (!likely.is_empty() && likely != name).then_some(likely)
}

impl<T: Section> Named<T> {
    /// Reads the table under `name`. Inner tables that are not keys of its kind are names that lack
    /// quotes.
    fn read_entry(&mut self, name: &str, entry: &Entry, context: &mut Context<'_>) {
        let entries: &[Entry] = match &entry.node.value {
            Value::Table(entries) => entries,
            _ => &[],
        };
        let (unquoted, own): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| is_unquoted::<T>(entry));
        for inner in &unquoted {
            self.read_unquoted(name, inner, context);
        }
        if !unquoted.is_empty() && own.is_empty() {
            return;
        }
        let node = Node {
            place: entry.node.place,
            value: match &entry.node.value {
                Value::Table(_) => Value::Table(own.into_iter().cloned().collect()),
                other => other.clone(),
            },
        };
        let value = T::read(&node, context);
        match T::name(name) {
            Ok(name) => self.0.extend(value.map(|value| Item {
                name,
                place: entry.place,
                value,
            })),
            Err(error) => {
                let message = format!("invalid {} name {}: {error}", T::WHAT, backticked(name));
                let problem = Problem::new(entry.place, message);
                context.problems.push(match likely_name(name) {
                    Some(likely) if T::name(&likely).is_ok() => {
                        problem.help(format!("write a name such as {likely:?}"))
                    }
                    _ => problem,
                });
            }
        }
    }

    /// Different spellings may be the same name: `a.b` with and without quotes, a host in another
    /// case.
    fn refuse_doubles(&mut self, context: &mut Context<'_>) {
        let mut places = HashMap::with_capacity(self.0.len());
        self.0.retain(|item| match places.entry(item.name.clone()) {
            hash_map::Entry::Vacant(entry) => {
                entry.insert(item.place);
                true
            }
            hash_map::Entry::Occupied(first) => {
                let message = format!("the name {} comes twice", backticked(&item.name));
                let problem = Problem::new(item.place, message)
                    .related(*first.get(), "it comes first here")
                    .help(format!("give each {} a name of its own", T::WHAT));
                context.problems.push(problem);
                false
            }
        });
    }

    fn read_unquoted(&mut self, outer: &str, inner: &Entry, context: &mut Context<'_>) {
        let name = format!("{outer}.{}", inner.key);
        let deeper = match &inner.node.value {
            Value::Table(entries) => {
                !entries.is_empty() && entries.iter().all(|entry| is_unquoted::<T>(entry))
            }
            _ => false,
        };
        if !deeper {
            context.wrong(
                inner.place,
                format!(
                    "without quotes, TOML reads {} as a table inside the {} {}",
                    backticked(&inner.key),
                    T::WHAT,
                    backticked(outer)
                ),
                format!("quote it: [{}.\"{}\"]", T::SECTION, name.escape_debug()),
            );
        }
        self.read_entry(&name, inner, context);
    }
}

/// Whether an inner table is the rest of a dotted name, rather than a misspelt key.
fn is_unquoted<T: Section>(entry: &Entry) -> bool {
    let Value::Table(inner) = &entry.node.value else {
        return false;
    };
    !T::knows(&entry.key)
        && (inner.iter().any(|entry| T::knows(&entry.key))
            || similar(&entry.key, T::KEYS.concat()).is_none())
}
