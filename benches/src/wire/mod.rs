//! The codec on its own, in memory: no socket, no kernel.

pub mod long;
mod memory;
pub mod short;
