//! The state of the cluster, for the API.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// The cluster, as this node sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterStatus {
    /// This node.
    pub node: String,
    /// Its boot, in hexadecimal digits; null before it has joined.
    #[schema(required)]
    pub boot: Option<String>,
    /// What it does: "reading" the log, "joining", "settling" until it can be given shards, "ready",
    /// "draining", or "left".
    pub phase: String,
    /// Why it last held nothing any more; null if that was never so.
    #[schema(required)]
    pub ended: Option<ClusterTrouble>,
    /// For how many more seconds it may write; null if it may not.
    #[schema(required)]
    pub lease_seconds: Option<f64>,
    /// The log that decides who holds what.
    pub log: ClusterLog,
    /// How many shards each place has; 0 before the log has begun.
    pub shards: u32,
    /// How many shards nobody holds.
    pub free: usize,
    /// How many names this node knows, wherever they are.
    pub names: usize,
    /// The nodes, in the order of their names.
    pub nodes: Vec<ClusterNode>,
    /// The moves that are under way, at most 256.
    pub moves: Vec<ClusterMove>,
    /// How many shards came to this node from others, by why they came.
    pub moved: ClusterMoved,
}

/// How many shards came to a node from others.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct ClusterMoved {
    /// The node got its share: it joined, or its share became larger.
    pub join: u64,
    /// Their holder was drained.
    pub drain: u64,
    /// Their holder left in order.
    pub leave: u64,
    /// Their holder was lost.
    pub lost: u64,
}

/// The part of a node in the cluster, in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterPart {
    /// This node.
    pub node: String,
    /// What it does, as `phase` of `GET /v1/cluster`.
    pub phase: String,
    /// For how many more seconds it may write; null if it may not.
    #[schema(required)]
    pub lease_seconds: Option<f64>,
}

impl From<ClusterStatus> for ClusterPart {
    fn from(status: ClusterStatus) -> Self {
        Self {
            node: status.node,
            phase: status.phase,
            lease_seconds: status.lease_seconds,
        }
    }
}

/// The log, as this node reads it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterLog {
    /// The server that it is read from; null while it is not.
    #[schema(required)]
    pub server: Option<String>,
    /// Why it cannot be read, or the last such reason.
    #[schema(required)]
    pub error: Option<ClusterTrouble>,
    /// The number of the last record that was read.
    pub read: u64,
    /// Differences between the stream and the settings.
    pub differences: Vec<String>,
}

/// What went wrong, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterTrouble {
    /// A stable code, such as "cluster_lease_lapsed".
    pub code: String,
    /// What went wrong.
    pub text: String,
    /// When, in RFC 3339.
    pub at: String,
    /// Whether it is still so.
    pub is_now: bool,
}

/// A node.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterNode {
    /// Its name.
    pub node: String,
    /// Its boot, in hexadecimal digits.
    pub boot: String,
    /// Its share, beside the weights of others.
    pub weight: u32,
    /// What it has, for names with a `place`.
    pub labels: BTreeMap<String, String>,
    /// How many shards it holds.
    pub shards: usize,
    /// Whether it can be given shards.
    pub is_settled: bool,
    /// Whether it gives away what it has.
    pub drains: bool,
    /// How many seconds ago this node saw its last sign of life.
    #[schema(required)]
    pub renewed_seconds_ago: Option<f64>,
}

/// A shard on its way.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClusterMove {
    /// The shard.
    pub shard: u32,
    /// The node that gives it.
    pub from_node: String,
    /// The node that gets it.
    pub to_node: String,
}

/// Where a name is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NameInCluster {
    /// The name.
    pub name: String,
    /// Its shard; null before the cluster knows its place.
    #[schema(required)]
    pub shard: Option<u32>,
    /// The node that holds it; null if nobody does.
    #[schema(required)]
    pub node: Option<String>,
    /// Whether that is the node that answers.
    pub is_here: bool,
    /// The token of its holder: the upper half of its epochs.
    #[schema(required)]
    pub token: Option<u16>,
    /// The subject of its messages in NATS; null if they are not published.
    #[schema(required)]
    pub subject: Option<String>,
    /// The same in words, with what is to be expected, such as "nobody holds shard 12: node c left 5 s ago, others
    /// take it within 34 s".
    pub text: String,
}

#[cfg(feature = "nats")]
mod read {
    use everwire::ConnectionName;
    use everwire_cluster::{Phase, Where};
    use everwire_nats::Trouble;
    use everwire_proto::placement::ShardId;

    use super::{super::whereabouts::Elsewhere, *};

    impl ClusterStatus {
        /// What the cluster says, with the number of names that this node knows.
        pub fn of(status: everwire_cluster::ClusterStatus, names: usize) -> Self {
            let node = |node: everwire_cluster::NodeStatus| ClusterNode {
                node: node.node.into(),
                boot: node.boot,
                weight: node.weight,
                labels: node
                    .labels
                    .into_iter()
                    .map(|(key, value)| (key.into(), value.into()))
                    .collect(),
                shards: node.shards,
                is_settled: node.is_settled,
                drains: node.drains,
                renewed_seconds_ago: node.renewed_seconds_ago,
            };
            let moving = |moving: everwire_cluster::MoveStatus| ClusterMove {
                shard: number(moving.shard),
                from_node: moving.from.into(),
                to_node: moving.to.into(),
            };
            Self {
                node: status.node.into(),
                boot: status.boot,
                phase: phase(status.phase).into(),
                ended: status.ended.map(trouble),
                lease_seconds: status.lease_seconds,
                log: ClusterLog {
                    server: status.log.server,
                    error: status.log.error.map(trouble),
                    read: status.log.read,
                    differences: status.log.differences,
                },
                shards: status.shards,
                free: status.free,
                names,
                nodes: status.nodes.into_iter().map(node).collect(),
                moves: status.moves.into_iter().map(moving).collect(),
                moved: ClusterMoved {
                    join: status.moved.join,
                    drain: status.moved.drain,
                    leave: status.moved.leave,
                    lost: status.moved.lost,
                },
            }
        }
    }

    /// A name, with what is known of its shard.
    pub fn name(
        name: &ConnectionName,
        shard: Option<ShardId>,
        found: Option<Where>,
        subject: Option<String>,
    ) -> NameInCluster {
        NameInCluster {
            name: name.to_string(),
            shard: shard.map(number),
            is_here: found.as_ref().is_some_and(|found| found.is_here),
            token: found.as_ref().and_then(|found| found.token),
            text: Elsewhere::of(found.clone()).text,
            node: found.and_then(|found| found.node).map(Into::into),
            subject,
        }
    }

    fn number(shard: ShardId) -> u32 {
        u32::try_from(shard.index()).unwrap_or(u32::MAX)
    }

    fn phase(phase: Phase) -> &'static str {
        match phase {
            Phase::Reading => "reading",
            Phase::Joining => "joining",
            Phase::Settling => "settling",
            Phase::Ready => "ready",
            Phase::Draining => "draining",
            Phase::Left => "left",
        }
    }

    fn trouble(trouble: Trouble) -> ClusterTrouble {
        ClusterTrouble {
            code: trouble.code.into(),
            text: trouble.text,
            at: trouble.at.to_string(),
            is_now: trouble.is_now,
        }
    }
}

#[cfg(feature = "nats")]
pub(super) use self::read::name;
