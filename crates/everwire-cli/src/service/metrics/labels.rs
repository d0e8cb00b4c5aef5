//! The labels of the counters.

use everwire::{ConnectionName, core::Cause, events::DropReason};
use prometheus_client::encoding::EncodeLabelSet;

/// The labels of `everwire_reconnects_total`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReconnectLabels {
    name: String,
    cause: &'static str,
}

/// The labels of `everwire_dropped_total`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DroppedLabels {
    name: String,
    reason: &'static str,
}

impl ReconnectLabels {
    pub fn new(name: &ConnectionName, cause: &'static str) -> Self {
        let name = name.to_string();
        Self { name, cause }
    }

    /// All label sets that the name can have.
    pub fn all(name: &ConnectionName) -> impl Iterator<Item = Self> {
        Cause::KINDS.into_iter().map(|cause| Self::new(name, cause))
    }
}

impl DroppedLabels {
    pub fn new(name: &ConnectionName, reason: DropReason) -> Self {
        Self {
            name: name.to_string(),
            reason: reason.as_str(),
        }
    }

    /// All label sets that the name can have.
    pub fn all(name: &ConnectionName) -> impl Iterator<Item = Self> {
        DropReason::ALL
            .into_iter()
            .map(|reason| Self::new(name, reason))
    }
}
