//! All connections: the names of `[connections]` and of the fleets, each once.

use std::collections::{BTreeMap, btree_map};

use super::{
    fleet::{MAX_NAMES, Row, expand, rows},
    keys::{ConnectionTable, FleetTable},
    read::{Context, Item, Named, Place, Problem, backticked},
};
use crate::core::ConnectionName;

/// All connections by name.
pub(super) type Members = BTreeMap<ConnectionName, Member>;

/// A connection, before it is merged with what it inherits.
pub(super) struct Member {
    /// Where its name is written.
    pub place: Place,
    pub origin: Origin,
}

/// The origin of a connection.
pub(super) enum Origin {
    /// `[connections.NAME]`.
    Single(Box<ConnectionTable>),
    /// A row of a fleet.
    Fleet {
        /// The fleet's index.
        fleet: usize,
        row: Row,
        /// Its index among the rows.
        turn: Turn,
        /// `[connections.NAME]` without a URL: it overrides single keys of this connection.
        changes: Option<Box<ConnectionTable>>,
    },
}

/// The index of a connection in its fleet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub at: usize,
    /// How many there are.
    pub of: usize,
}

/// The connections by name. Wrong and duplicate names are reported.
pub(super) fn members(
    fleets: &[Item<FleetTable>],
    connections: Named<ConnectionTable>,
    context: &mut Context<'_>,
) -> Members {
    let mut members = Members::new();
    for (index, fleet) in fleets.iter().enumerate() {
        add_fleet(index, fleet, &mut members, context);
    }
    for connection in connections.0 {
        add_single(connection, &mut members, context);
    }
    members
}

fn add_fleet(
    index: usize,
    fleet: &Item<FleetTable>,
    members: &mut Members,
    context: &mut Context<'_>,
) {
    let keys = &fleet.value.keys;
    let rows = rows(keys, context);
    let (template, said) = match &keys.name {
        Some(name) => (name.value.0.as_str(), name.place),
        None if rows.iter().all(|row| row.value("name").is_some()) => ("{name}", fleet.place),
        None => {
            let problem = Problem::absence(
                fleet.place,
                format!("the fleet {} has no `name`", backticked(&fleet.name)),
            )
            .help(format!("write name = \"{}-{{i}}\"", fleet.name));
            context.problems.push(problem);
            return;
        }
    };
    let of = rows.len();
    for (at, row) in rows.into_iter().enumerate() {
        let place = row.place.unwrap_or(said);
        let name = expand(template, |token| row.value(token));
        let name = match ConnectionName::new(&name) {
            Ok(name) => name,
            Err(error) => {
                let message = format!("invalid connection name {}: {error}", backticked(&name));
                context.problems.push(Problem::new(place, message));
                continue;
            }
        };
        if members.len() >= MAX_NAMES {
            let help = format!("a configuration has at most {MAX_NAMES} names");
            context.wrong(fleet.place, "there are too many names", help);
            return;
        }
        match members.entry(name) {
            btree_map::Entry::Vacant(entry) => {
                let origin = Origin::Fleet {
                    fleet: index,
                    row,
                    turn: Turn { at, of },
                    changes: None,
                };
                entry.insert(Member { place, origin });
            }
            btree_map::Entry::Occupied(entry) => {
                let help = "put {i}, {name} or a column into name";
                report_duplicate(entry.key(), place, entry.get().place, help, context);
            }
        }
    }
}

fn add_single(connection: Item<ConnectionTable>, members: &mut Members, context: &mut Context<'_>) {
    // The name was checked when it was read.
    let Ok(name) = ConnectionName::new(&connection.name) else {
        return;
    };
    let place = connection.place;
    let table = Box::new(connection.value);
    match members.entry(name) {
        btree_map::Entry::Vacant(entry) => {
            let origin = Origin::Single(table);
            entry.insert(Member { place, origin });
        }
        btree_map::Entry::Occupied(mut entry) => {
            let first = entry.get().place;
            match &mut entry.get_mut().origin {
                Origin::Fleet {
                    changes: changes @ None,
                    ..
                } if table.url.is_none() && table.urls.is_none() => {
                    *changes = Some(table);
                }
                Origin::Fleet { .. } => {
                    let help = "without url it changes single keys of the fleet's connection";
                    report_duplicate(entry.key(), place, first, help, context);
                }
                Origin::Single(_) => {
                    report_duplicate(
                        entry.key(),
                        place,
                        first,
                        "give each connection a name of its own",
                        context,
                    );
                }
            }
        }
    }
}

fn report_duplicate(
    name: &ConnectionName,
    place: Place,
    first: Place,
    help: &str,
    context: &mut Context<'_>,
) {
    let message = format!("the name {} comes twice", backticked(name.as_str()));
    let mut problem = Problem::new(place, message).help(help);
    if first != place {
        problem = problem.related(first, "it comes first here");
    }
    context.problems.push(problem);
}
