//! Writes down what must outlive the process, and has it read by the next one.
//!
//! A name that has something to keep is a [`PersistSource`]: it calls, and is asked. With the feature `durable` a thread writes it to a
//! store on disk; without it nothing is kept.

#[cfg(feature = "durable")]
mod durable;
#[cfg(not(feature = "durable"))]
mod nothing;
mod order;
mod outage;
mod persist_source;
mod recalled;
#[cfg(test)]
mod simulated_queue;

#[cfg(feature = "durable")]
pub(crate) use self::durable::Persistence;
#[cfg(not(feature = "durable"))]
pub(crate) use self::nothing::Persistence;
#[cfg(test)]
pub(crate) use self::simulated_queue::SimulatedQueue;
pub(crate) use self::{
    order::{Known, Order},
    outage::Outage,
    persist_source::{NameChanges, PersistSource},
    recalled::{Recalled, left},
};
