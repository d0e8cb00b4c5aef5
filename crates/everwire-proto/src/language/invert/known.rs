//! What is known where a message is made.

use crate::language::{Lets, World, json::PointerSet};

/// What is known where a message is made.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Names, variables, the moment and signatures. Its message is not looked at.
    pub world: &'a dyn World,
    /// Of all expressions.
    pub pointers: &'a PointerSet,
    pub lets: &'a Lets,
    /// That of an HTTP answer, unless another is wanted.
    pub status: Option<u16>,
}
