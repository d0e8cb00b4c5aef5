//! Tables with known keys: reading them, and their JSON Schema.

use serde_json::{Map, Value as Json, json};

use super::{Context, Entry, Node, Place, Problem, Value, backticked};

/// A table with known keys.
pub(in crate::config) trait Keys: Default {
    /// The purpose of the table.
    const ABOUT: &'static str;
    /// The keys.
    const NAMES: &'static [&'static str];
    /// Keys of the contract that this version does not have.
    const LATER: &'static [&'static str];
    /// `secrets` if it holds some: errors are then reported without its texts.
    const HOLDS: &'static [&'static str];

    /// Reads the value of a key. `true` if the key is one of [`NAMES`](Self::NAMES).
    fn set(&mut self, key: &str, node: &Node, context: &mut Context<'_>) -> bool;

    /// The JSON Schema of each key.
    fn properties() -> Map<String, Json>;
}

/// Reads a table with only known keys.
pub(in crate::config) fn read_table<T: Keys>(node: &Node, context: &mut Context<'_>) -> Option<T> {
    match &node.value {
        Value::Table(entries) => Some(read_entries(entries, context)),
        _ if !T::HOLDS.is_empty() => context.wrong_secret(node, "a table"),
        _ => context.wrong_type(node, "a table"),
    }
}

/// Reads the entries of a table with only known keys.
pub(in crate::config) fn read_entries<'a, T: Keys>(
    entries: impl IntoIterator<Item = &'a Entry>,
    context: &mut Context<'_>,
) -> T {
    let mut table = T::default();
    for entry in entries {
        if !table.set(&entry.key, &entry.node, context) {
            // A misspelt `password` is still a password.
            if !T::HOLDS.is_empty() {
                context.problems.hide(entry.node.place);
            }
            unknown_key(&entry.key, entry.place, &[T::NAMES], T::LATER, context);
        }
    }
    table
}

/// A table with more keys than this is not listed if a similar key exists.
const MANY_KEYS: usize = 16;

/// Reports that a key is unknown, or belongs to a later version.
pub(in crate::config) fn unknown_key(
    key: &str,
    place: Place,
    known: &[&[&str]],
    later: &[&str],
    context: &mut Context<'_>,
) {
    let name = backticked(key);
    if later.contains(&key) {
        let problem = Problem::new(place, format!("{name} is not supported yet"));
        context.problems.push(problem);
        return;
    }
    let known: Vec<&str> = known.concat();
    let list = format!("the keys here are {}", known.join(", "));
    let help = match similar(key, known.iter().chain(later).copied()) {
        // With the likely key, a long list of keys is not needed.
        Some(meant) if known.len() > MANY_KEYS => format!("did you mean `{meant}`?"),
        Some(meant) => format!("did you mean `{meant}`? {list}"),
        None => list,
    };
    context.wrong(place, format!("unknown key {name}"), help);
}

/// The word of a list that `word` probably means.
pub(in crate::config) fn similar<'a>(
    word: &str,
    list: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // The distance is quadratic in the length, and no key is long.
    if word.len() > 64 {
        return None;
    }
    list.into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .map(|(_, candidate)| candidate)
}

/// The JSON Schema of a table.
pub(in crate::config) fn table_schema<T: Keys>() -> Json {
    json!({
        "type": "object",
        "description": T::ABOUT.trim(),
        "properties": T::properties(),
        "additionalProperties": false,
    })
}
