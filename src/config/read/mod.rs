//! Reading typed values out of the tree of a file: every error is collected, and reading goes on.

mod context;
mod field;
mod json;
mod names;
mod node;
mod place;
mod problems;
mod syntax;
mod table;
mod typed;

pub(super) use self::{
    context::{Buckets, Context, Origin},
    field::{IntoField, IntoSettings, ShowField, ShowSettings, field, show},
    json::{Pointers, parse_json},
    names::{Item, Named, Section},
    node::{Entry, Node, Table, Value, backticked},
    place::{File, Place, boundary},
    problems::{Problem, Problems},
    syntax::parse,
    table::{
        Keys, read_entries, read_table, settings_of_table, similar, table, table_schema,
        unknown_key,
    },
    typed::{Located, Read, overlay},
};
