//! Other clients, each with the least code for the same work.

pub mod bare_actor;
pub mod ezsockets;
