//! What all names of a process share.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{dialer::Dialer, outbox::rate_limit::TokenBuckets};
use crate::{
    core::ConnectionName,
    hub::Hub,
    memory::MemoryBudget,
    persistence::Persistence,
    secret_store::SecretStore,
    settings::CommonSettings,
    transport::{DialBudget, Preparer, Resolver, TlsCache},
};

/// What all names of a process share.
pub(crate) struct ProcessContext {
    pub hub: Arc<Hub>,
    /// How the names come to their sockets.
    pub dialer: Box<dyn Dialer>,
    pub budget: DialBudget,
    /// The bound over what all names keep.
    pub memory: Arc<MemoryBudget>,
    pub tls: TlsCache,
    pub resolver: Resolver,
    /// The secrets that templates name.
    pub secret_store: SecretStore,
    /// What is done before dials.
    pub preparer: Preparer,
    /// The buckets of their rates.
    pub buckets: TokenBuckets,
    /// Writes down closes by hand.
    pub persistence: Persistence,
    /// What names that are alike share.
    pub settings: CommonSettings,
    /// Told when an actor died without having been removed.
    pub death_tx: mpsc::UnboundedSender<(ConnectionName, u32)>,
}
