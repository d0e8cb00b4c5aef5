//! Everything that one process runs on.

use std::collections::BTreeMap;

use everwire_proto::settings::{ConnectionName, ConnectionSettings};

use super::{Diagnostic, Inherited, NatsSettings, ServiceSettings};

/// Everything that one process runs on.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// What concerns the process as a whole.
    pub service: ServiceSettings,
    /// The connections by name, those of `[fleet]` expanded.
    pub connections: BTreeMap<ConnectionName, ConnectionSettings>,
    /// What connections that are made at run time inherit.
    pub inherited: Inherited,
    /// The bridge to NATS, where there is one. A program starts it; the manager does not.
    pub nats: Option<NatsSettings>,
    /// What is allowed, and looks like a mistake: at most 200, in the order of the files.
    pub warnings: Vec<Diagnostic>,
}
