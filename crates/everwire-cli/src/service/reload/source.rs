//! Where the configuration is read again from.

use std::path::PathBuf;

use everwire::config::{NatsSettings, ServiceSettings};
use tokio::sync::Mutex;

/// Where the configuration is read again from, and what of `[service]` is in force.
pub struct Source {
    pub(super) path: Option<PathBuf>,
    // Held for as long as a reload takes: the next one begins where it ended.
    pub(super) service: Mutex<ServiceSettings>,
    /// The bridge that was started with the process, if there is one.
    pub nats: Option<NatsSettings>,
}

impl Source {
    /// The file or folder, and the settings that the service was started with.
    pub fn new(path: Option<PathBuf>, service: ServiceSettings) -> Self {
        Self {
            path,
            service: Mutex::new(service),
            nats: None,
        }
    }
}
