//! The source of a reload.

use std::path::PathBuf;

use everwire::config::{ClusterSettings, NatsSettings, ServiceSettings};
use tokio::sync::Mutex;

/// The source of a reload, and the values of `[service]` that are in force.
pub struct Source {
    pub(super) path: Option<PathBuf>,
    // Locked during a reload, so that the next one begins where this one ended.
    pub(super) service: Mutex<ServiceSettings>,
    /// The bridge that was started with the process, if there is one.
    pub nats: Option<NatsSettings>,
    /// The cluster that was configured at the start of the process, if there is one.
    pub cluster: Option<ClusterSettings>,
}

impl Source {
    /// The file or folder, and the settings at the start of the service.
    pub fn new(path: Option<PathBuf>, service: ServiceSettings) -> Self {
        Self {
            path,
            service: Mutex::new(service),
            nats: None,
            cluster: None,
        }
    }
}
