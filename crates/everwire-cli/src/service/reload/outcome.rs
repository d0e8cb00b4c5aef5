//! The result of a reload.

use everwire::{
    ConnectionName,
    config::{Diagnostics, Plan},
};
use serde::Serialize;

/// The plan or the result of a reload.
#[derive(Debug, Serialize)]
pub struct Reloaded {
    /// Whether it was done; false for a plan.
    pub done: bool,
    /// What happens to each name.
    #[serde(flatten)]
    pub plan: Plan,
    /// Planned changes that failed.
    pub failed: Vec<Failed>,
}

/// A name that could not be changed as planned.
#[derive(Debug, Serialize)]
pub struct Failed {
    pub(super) name: ConnectionName,
    pub(super) reason: String,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The service was started without a file.
    #[error("the service runs without a configuration file")]
    NoFile,
    /// The errors of the configuration.
    #[error("the configuration is invalid, and nothing was changed")]
    Invalid(Diagnostics),
    /// The process ends.
    #[error("the service shuts down")]
    Ending,
}

impl Reloaded {
    pub(super) fn planned(plan: Plan) -> Self {
        Self {
            done: false,
            plan,
            failed: Vec::new(),
        }
    }

    /// Logs what was done.
    pub fn log(&self, trigger: &str) {
        let plan = &self.plan;
        for failed in &self.failed {
            tracing::error!(name = %failed.name, text = failed.reason.as_str(), "the connection could not be changed as the configuration says");
        }
        tracing::info!(
            trigger,
            untouched = plan.untouched.len(),
            applied = plan.applied.len(),
            rotated = plan.rotated.len(),
            added = plan.added.len(),
            removed = plan.removed.len(),
            service = plan.service.join(",").as_str(),
            restart = plan.restart.join(",").as_str(),
            "configuration reloaded"
        );
    }
}
