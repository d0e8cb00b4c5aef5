//! The wire alone, in memory: no socket, no kernel.

pub mod long;
mod memory;
pub mod short;
