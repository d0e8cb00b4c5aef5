//! Several files that are one configuration.

use std::collections::HashMap;

use super::read::{Context, Entry, Problem, Table, Value, backticked};

/// The tables of all files as one. Each name and each key is in one file only, except
/// `schema_version`.
pub(super) fn combine(roots: Vec<Table>, context: &mut Context<'_>) -> Table {
    let mut roots = roots.into_iter();
    let mut combined = roots.next().unwrap_or_default();
    for root in roots {
        add(&mut combined, root, Level::File, context);
    }
    combined
}

/// The level of a table in a file.
#[derive(Clone, Copy)]
enum Level {
    /// The file itself.
    File,
    /// `[service]`, `[defaults]` and their tables: their keys may be spread over several files.
    Keys,
    /// A table of names: everything under a name is in one file.
    Names,
}

fn add(combined: &mut Table, table: Table, level: Level, context: &mut Context<'_>) {
    let known: HashMap<String, usize> = combined
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.key.clone(), at))
        .collect();
    for entry in table {
        match known.get(&entry.key) {
            Some(at) => meet(&mut combined[*at], entry, level, context),
            None => combined.push(entry),
        }
    }
}

/// Merges a key that an earlier file has, too.
fn meet(first: &mut Entry, second: Entry, level: Level, context: &mut Context<'_>) {
    let inner = match (level, second.key.as_str()) {
        (Level::File, "schema_version") if first.node.describe() == second.node.describe() => {
            return;
        }
        (Level::File, "service" | "defaults") | (Level::Keys, _) => Level::Keys,
        (Level::File | Level::Names, _) => Level::Names,
    };
    match (&mut first.node.value, second.node.value) {
        (Value::Table(first), Value::Table(second)) if !matches!(level, Level::Names) => {
            add(first, second, inner, context);
        }
        _ => {
            let message = format!("{} is set in two files", backticked(&second.key));
            let problem = Problem::new(second.place, message)
                .related(first.place, "it comes first here")
                .help("each name and each key may be written in one file");
            context.problems.push(problem);
        }
    }
}
