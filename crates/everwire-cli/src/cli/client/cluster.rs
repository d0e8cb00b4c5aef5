//! The parts of the answers about a cluster that are shown. Unknown members are ignored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

/// The cluster, as the node that answers sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct Cluster {
    pub node: String,
    #[serde(default)]
    pub boot: Option<String>,
    pub phase: String,
    #[serde(default)]
    pub ended: Option<Trouble>,
    #[serde(default)]
    pub lease_seconds: Option<f64>,
    pub log: Log,
    pub shards: u32,
    pub free: u64,
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub moves: Vec<Move>,
}

/// The log of a cluster.
#[derive(Clone, Debug, Deserialize)]
pub struct Log {
    #[serde(default)]
    pub server: Option<String>,
    #[serde(default)]
    pub error: Option<Trouble>,
    #[serde(default)]
    pub differences: Vec<String>,
}

/// What went wrong, and when.
#[derive(Clone, Debug, Deserialize)]
pub struct Trouble {
    pub code: String,
    pub text: String,
    pub at: Timestamp,
}

/// A node of a cluster.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    pub node: String,
    pub boot: String,
    pub weight: u32,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub shards: u64,
    pub is_settled: bool,
    pub drains: bool,
    #[serde(default)]
    pub renewed_seconds_ago: Option<f64>,
}

/// A shard on its way.
#[derive(Clone, Debug, Deserialize)]
pub struct Move {
    pub from_node: String,
    pub to_node: String,
}

/// Where a name is.
#[derive(Clone, Debug, Deserialize)]
pub struct Place {
    pub name: String,
    #[serde(default)]
    pub shard: Option<u32>,
    #[serde(default)]
    pub node: Option<String>,
    pub is_here: bool,
    #[serde(default)]
    pub token: Option<u16>,
    #[serde(default)]
    pub subject: Option<String>,
    pub text: String,
}

impl Cluster {
    /// A node that lives.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.node == name)
    }
}

impl Node {
    /// What it does, in a word.
    pub fn state(&self) -> &'static str {
        match (self.drains, self.is_settled) {
            (true, _) => "draining",
            (false, true) => "ready",
            (false, false) => "settling",
        }
    }
}
