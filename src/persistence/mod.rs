//! Stores what must outlive the process, and reads it in the next one.
//!
//! A name that has something to store is a [`PersistSource`]: it calls, and is then asked for its
//! changes. With the feature `durable`, a thread writes them to a store on disk; without it,
//! nothing is stored.

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
