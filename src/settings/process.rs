//! All settings of a process.

use std::collections::BTreeMap;

use everwire_proto::settings::{ConnectionName, ConnectionSettings};

use super::{ClusterSettings, Diagnostic, Inherited, NatsSettings, ServiceSettings, WriteLease};

/// All settings of a process.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// The settings of the service.
    pub service: ServiceSettings,
    /// The connections by name, with `[fleet]` expanded.
    pub connections: BTreeMap<ConnectionName, ConnectionSettings>,
    /// What connections that are opened at run time inherit.
    pub inherited: Inherited,
    /// The bridge to NATS, if there is one. A program starts it, not the manager.
    pub nats: Option<NatsSettings>,
    /// The cluster that shares names with others, if there is one; it has a bridge, too. A program
    /// joins it, not the manager.
    pub cluster: Option<ClusterSettings>,
    /// What limits the writes of the process; `None`: nothing does. No key of a file: a program that
    /// holds a lease of a cluster sets it.
    pub write_lease: Option<WriteLease>,
    /// Warnings: at most 200, in the order of the files.
    pub warnings: Vec<Diagnostic>,
}
