//! The registry of names.

mod abandon;
mod arbiters;
mod configure;
#[cfg(feature = "testing")]
mod detour;
mod epochs;
mod error;
mod features;
mod handle;
mod holding;
#[cfg(test)]
mod holding_tests;
mod kept;
mod listening;
mod memory;
mod open;
mod outage;
mod owners;
mod placed;
mod probe;
mod raise_epoch;
mod recall;
mod registry;
mod removal;
mod respawn;
mod respawn_budget;
mod secrets;
mod shutdown;
mod stall_monitor;
mod start;
#[cfg(test)]
mod tests;
mod trimming;

#[cfg(feature = "testing")]
pub use self::detour::Detour;
pub use self::{
    error::{CloseError, ConfigureError, FeatureMissing, OpenError, StartError, TwoConversations},
    handle::{EvaluateError, Handle},
    placed::Placed,
    registry::Manager,
    shutdown::{Left, ShutdownReport},
};
pub use crate::{secret_store::SecretStoreFull, stored::StoreError};
