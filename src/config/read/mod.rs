//! Reading typed values out of the tree of a file: every error is collected, and reading goes on.

mod context;
mod json;
mod names;
mod node;
mod place;
mod problems;
mod syntax;
mod table;
mod typed;

pub(super) use self::{
    context::{Context, Origin},
    json::{Pointers, parse_json},
    names::{Item, Named, Section},
    node::{Entry, Node, Table, Value, backticked},
    place::{File, Place, boundary},
    problems::{Problem, Problems},
    syntax::parse,
    table::{Keys, read_entries, read_table, similar, table, table_schema, unknown_key},
    typed::{Located, Read, overlay},
};
