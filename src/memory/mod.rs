//! One bound over all that a process keeps for its names: histories, outboxes, unfinished messages, readers and bodies.
//!
//! Each use has a ceiling of its own, so that what can be told again gives way first and what was accepted never does: histories let go
//! of their oldest from half of the bound on, readers are told that they lag from three quarters on, new messages and bodies are
//! refused from nine tenths on. The rest is for messages that have begun to arrive, and for operators.
//!
//! Histories have a bound of their own besides, over all of them. It is kept by a level: what each may hold, as high as what others leave.
//!
//! A thread that carries names holds a lease: it takes 128 KiB ahead and gives back what exceeds 256 KiB, so that a message costs no
//! access that other threads wait for.

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
