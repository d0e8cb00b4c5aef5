//! Reads typed values from the tree of a file. All errors are collected, and reading goes on.

mod context;
mod entries;
mod field;
mod json;
mod keys;
mod names;
mod node;
mod place;
mod problems;
mod string;
mod syntax;
mod table;
mod typed;

pub(super) use self::{
    context::{Buckets, Confirmed, Context, LaterFiles, Origin, Preparations},
    entries::Entries,
    field::{IntoField, IntoSettings, ShowField, ShowSettings, field, show},
    json::{Pointers, node_of_json, parse_json},
    keys::{Keys, read_entries, read_table, similar, table_schema, unknown_key},
    names::{Item, NAME_PATTERN, Named, Section},
    node::{Entry, Node, Table, Value, backticked},
    place::{File, Place, boundary},
    problems::{Problem, Problems},
    syntax::parse,
    table::{key_name, settings_of_table, table},
    typed::{Located, Read, overlay},
};
