//! The names, and the cluster that says which of them are open here.

use std::time::Duration;

use everwire::{Manager, Pattern};
use everwire_cluster::Cluster;

use super::names::Names;

/// What the parts of a node share.
#[derive(Debug)]
pub struct Running {
    /// The cluster.
    pub cluster: Cluster,
    /// The connections that are open here.
    pub manager: Manager,
    /// All names.
    pub names: Names,
    /// How long the names of a shard may take to be closed.
    pub move_timeout: Duration,
    /// Which names are published, and what their subjects begin with.
    pub inbound: Option<(Pattern, String)>,
}
