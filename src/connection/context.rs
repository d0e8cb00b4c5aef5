//! State that all names of a process share.

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

/// State that all names of a process share.
pub(crate) struct ProcessContext {
    pub hub: Arc<Hub>,
    /// Opens sockets for the names.
    pub dialer: Box<dyn Dialer>,
    pub budget: DialBudget,
    /// The limit over all memory that names keep.
    pub memory: Arc<MemoryBudget>,
    pub tls: TlsCache,
    pub resolver: Resolver,
    /// The secrets that templates refer to.
    pub secret_store: SecretStore,
    /// Runs the `prepare` steps before dials.
    pub preparer: Preparer,
    /// The buckets of their rates.
    pub buckets: TokenBuckets,
    /// Stores closes by hand.
    pub persistence: Persistence,
    /// Settings that similar names share.
    pub settings: CommonSettings,
    /// Reports an actor that died without having been removed.
    pub death_tx: mpsc::UnboundedSender<(ConnectionName, u32)>,
}
