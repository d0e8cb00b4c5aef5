//! From one socket to its successor.

pub(super) mod deduplication;
pub(super) mod successor;
