//! What is to be written down, and is not asked of a name.

use crate::{
    core::{ConnectionName, Cursor},
    stored::StoredRate,
};

/// Something to write down that is not asked of a name.
pub(crate) enum Order {
    /// A name was closed by hand, or is wanted again.
    Closed(ConnectionName, bool),
    /// A name has a new life.
    Epoch(ConnectionName, u32),
    /// Names of which nothing is stored may have epochs up to this one.
    Given(u32),
    /// A name was removed.
    Forget(ConnectionName),
    /// The process ends in order, and this is what it leaves.
    Known(Known),
    /// A value of the program's own: kept under this key, or forgotten.
    Value(String, Option<Vec<u8>>),
    /// What was written of what a rate allows: kept under this key, or forgotten.
    Rate(String, Option<StoredRate>),
}

/// What a process that ends in order knows. What it does not leave is taken for incomplete.
#[derive(Debug)]
pub(crate) struct Known {
    /// Up to here messages are lost with the names that they belonged to.
    pub forgotten: Cursor,
    /// Behind which place the durable history of a name has all that came.
    pub histories: Vec<(ConnectionName, Cursor)>,
}
