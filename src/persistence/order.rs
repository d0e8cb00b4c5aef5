//! Orders to store something that does not come from a name.

use crate::{
    core::{ConnectionName, Cursor},
    stored::StoredRate,
};

/// Something to store that does not come from a name.
pub(crate) enum Order {
    /// A name was closed by hand, or is wanted again.
    Closed(ConnectionName, bool),
    /// A name has a new life.
    Epoch(ConnectionName, u32),
    /// Names without stored state may have epochs up to this one.
    Given(u32),
    /// A name was removed.
    Forget(ConnectionName),
    /// The process ends in order, and records this for the next one.
    Known(Known),
    /// A value of the program under this key; `None` deletes it.
    Value(String, Option<Vec<u8>>),
    /// The state of a rate limit under this key; `None` deletes it.
    Rate(String, Option<StoredRate>),
}

/// What a process that ends in order knows. What it does not record counts as incomplete.
#[derive(Debug)]
pub(crate) struct Known {
    /// Up to this place, messages were deleted with their names.
    pub forgotten: Cursor,
    /// The place behind which the durable history of a name is complete.
    pub histories: Vec<(ConnectionName, Cursor)>,
}
