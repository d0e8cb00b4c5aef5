//! This node's part in a cluster, in a build that has it.

#[cfg(not(feature = "nats"))]
mod absent;
mod alone;
#[cfg(feature = "nats")]
mod holding;
#[cfg(feature = "nats")]
mod names;
#[cfg(feature = "nats")]
mod node;
#[cfg(feature = "nats")]
mod running;
mod status;
mod whereabouts;

use std::{collections::BTreeMap, path::Path};

#[cfg(not(feature = "nats"))]
pub use self::absent::{AskError, Incoming, Node};
#[cfg(feature = "nats")]
pub use self::node::Node;
pub use self::{
    status::{ClusterPart, ClusterStatus, NameInCluster},
    whereabouts::Elsewhere,
};
use everwire::{
    ConnectionName, ConnectionSettings, Manager, WriteLease,
    config::{ClusterSettings, NatsSettings},
};
#[cfg(feature = "nats")]
pub use everwire_cluster::{AskError, Incoming};

/// Why this node takes no part in the cluster.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ClusterNotStarted(#[source] Box<dyn std::error::Error + Send + Sync>);

/// Why the cluster was not changed.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(
    not(feature = "nats"),
    expect(dead_code, reason = "a build without the bridge has no cluster")
)]
pub enum NotChanged {
    /// There is no such node.
    #[error("there is no node {0:?} in the cluster")]
    NoNode(String),
    /// The process takes no part in a cluster.
    #[error("this process is no node of a cluster: its configuration has no [cluster]")]
    NoCluster,
    /// The change is not in the log.
    #[error("{0}")]
    NotInLog(String),
}

/// By its new settings a name would be in another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`place`, or the [rates.KEY] or [prepare.KEY] that it shares, decides which node has the name: remove the name from the files of all nodes, reload them, and then write it anew"
)]
#[cfg_attr(
    not(feature = "nats"),
    expect(dead_code, reason = "a build without the bridge has no cluster")
)]
pub struct ShardChanges;

/// What a node needs to begin.
#[cfg_attr(
    not(feature = "nats"),
    expect(dead_code, reason = "a build without the bridge has no cluster")
)]
pub struct Beginning<'a> {
    /// The connections.
    pub manager: &'a Manager,
    /// `[cluster]`.
    pub settings: ClusterSettings,
    /// `[nats]`.
    pub nats: NatsSettings,
    /// The lease of the manager.
    pub lease: WriteLease,
    /// `service.state_dir`.
    pub state_dir: &'a Path,
    /// The names of the file.
    pub names: BTreeMap<ConnectionName, ConnectionSettings>,
}
