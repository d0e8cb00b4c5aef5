//! From one socket to its successor.

mod handover;
pub(super) mod successor;
