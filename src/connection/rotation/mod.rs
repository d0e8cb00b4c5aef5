//! Rotation: from one socket to its successor.

mod handover;
mod replace;
pub(super) mod successor;
