//! The known values for a message under construction.

use crate::language::{Lets, World, json::PointerSet};

/// The known values for a message under construction.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Names, variables, the time and signatures. Its message is not used.
    pub world: &'a dyn World,
    /// The pointers of all expressions.
    pub pointers: &'a PointerSet,
    pub lets: &'a Lets,
    /// The status of an HTTP answer, unless another is required.
    pub status: Option<u16>,
}
