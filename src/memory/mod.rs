//! One memory limit for all that a process keeps for its names: histories, outboxes, unfinished
//! messages, readers and bodies.
//!
//! Each use has its own ceiling, so that reproducible data gives way first and accepted messages
//! never do. From half of the limit on, histories drop their oldest messages. From three quarters
//! on, readers are told that they lag. From nine tenths on, new messages and bodies are refused.
//! The rest is for messages that have begun to arrive, and for operators.
//!
//! Histories also have a limit of their own. A level enforces it: the most that each may hold, as
//! high as the others leave room.
//!
//! A thread that runs names holds a lease: it takes 128 KiB in advance and gives back what exceeds
//! 256 KiB. A message therefore needs no access that other threads contend for.

mod budget;
mod charge;
mod lease;
mod limit;
mod share;
#[cfg(test)]
mod tests;
mod usage;

pub(crate) use self::{
    budget::MemoryBudget, charge::GRAIN, lease::Lease, limit::default_limit, share::fair_share,
};
pub use self::{
    charge::Charge,
    usage::{MemoryUsage, MemoryUse, OutOfMemory},
};
