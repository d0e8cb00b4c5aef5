//! What all names of a process share.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{dialer::Dialer, outbox::rate_limit::TokenBuckets};
use crate::{
    config::CommonSettings,
    core::ConnectionName,
    hub::Hub,
    memory::MemoryBudget,
    persistence::Keeper,
    transport::{DialBudget, Resolver, TlsCache},
    vault::Vault,
};

/// What all names of a process share.
pub(crate) struct Commons {
    pub hub: Arc<Hub>,
    /// How the names come to their sockets.
    pub dialer: Box<dyn Dialer>,
    pub budget: DialBudget,
    /// The bound over what all names keep.
    pub memory: Arc<MemoryBudget>,
    pub tls: TlsCache,
    pub resolver: Resolver,
    /// The secrets that templates name.
    pub vault: Vault,
    /// The buckets of their rates.
    pub buckets: TokenBuckets,
    /// Writes down closes by hand.
    pub keeper: Keeper,
    /// What names that are alike share.
    pub settings: CommonSettings,
    /// Told when an actor died without having been removed.
    pub obituaries: mpsc::UnboundedSender<(ConnectionName, u32)>,
}
