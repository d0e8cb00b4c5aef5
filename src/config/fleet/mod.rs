//! Fleets: many connections from one template.

mod csv;
mod row;
mod rows;
mod share;
mod tokens;

pub(super) use self::{
    row::Row,
    rows::rows,
    share::Share,
    tokens::{expand, expand_entry, has_braces},
};

/// The most names of a fleet, and of a configuration.
pub(super) const MAX_NAMES: usize = 1_000_000;
