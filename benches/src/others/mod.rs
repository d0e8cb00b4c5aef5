//! The peers, each with the least that does the same.

pub mod bare_actor;
pub mod ezsockets;
