//! The commands of the log.

use serde::{Deserialize, Serialize};

use super::{BootId, Labels, ShardId, ShardSet, Snapshot, Term};
use crate::settings::ConnectionName;

/// The newest version of a record that this code writes and reads.
pub const VERSION: u32 = 1;

/// A record of the log, as a node meant it. The state says whether it is void.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// Begins the log.
    Create {
        /// How many shards each place has.
        shards: u32,
    },
    /// A boot begins.
    Join(Join),
    /// A boot lives.
    Renew {
        /// Which one.
        boot: BootId,
        /// Above that of its last renewal.
        number: u64,
    },
    /// A boot has read the log without a break for lease + margin, so it can be given shards.
    Settle {
        /// Which one.
        boot: BootId,
    },
    /// A boot was not seen to renew for its lease + margin. This ends it.
    Suspect {
        /// Who did not see it.
        by: BootId,
        /// The boot.
        boot: BootId,
        /// Its last renewal that was seen.
        number: u64,
    },
    /// A boot ends, having stopped writing.
    Leave {
        /// Which one.
        boot: BootId,
    },
    /// A boot gives away what it has.
    Drain {
        /// Which one.
        boot: BootId,
    },
    /// Names exist that ask for these labels.
    Place {
        /// The labels.
        labels: Labels,
    },
    /// A boot takes those of the shards that are free.
    Claim {
        /// Which one.
        boot: BootId,
        /// The shards.
        shards: ShardSet,
        /// Tokens that it has seen, where the log may have lost them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        seen: Vec<(ShardId, Term)>,
    },
    /// A boot gives up shards, having stopped writing for them.
    Release {
        /// Which one.
        boot: BootId,
        /// The shards, each with the token under which it holds it. A record that comes late says nothing about a later token.
        shards: Vec<(ShardId, Term)>,
    },
    /// A holder begins to move a shard.
    Move {
        /// The holder.
        boot: BootId,
        /// The shard.
        shard: ShardId,
        /// Who gets it.
        to: BootId,
    },
    /// All names of a shard that moves have crossed.
    Moved {
        /// The holder that gave it.
        boot: BootId,
        /// The shard.
        shard: ShardId,
        /// The token of the move. A record that comes late says nothing about a later move.
        term: Term,
    },
    /// A name is closed by hand.
    Close {
        /// The boot that was asked.
        boot: BootId,
        /// The name.
        name: ConnectionName,
    },
    /// A name is no longer closed by hand.
    Open {
        /// The boot that was asked.
        boot: BootId,
        /// The name.
        name: ConnectionName,
    },
    /// The state before this record. A node that starts needs nothing before it.
    Snapshot(Box<Snapshot>),
}

/// A boot begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The boot: random, and used once.
    pub boot: BootId,
    /// The name of its node.
    pub node: Box<str>,
    /// Its share, beside the weights of others.
    pub weight: u32,
    /// What it has, for names with a `place`.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its lease, in milliseconds.
    pub lease_ms: u64,
    /// Its margin, in milliseconds.
    pub margin_ms: u64,
    /// How many shards each place has, by its settings.
    pub shards: u32,
    /// The newest version of a record that it can read.
    pub reads: u32,
    /// The boot of the same node that ends with this record, because the node knows that it has stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<BootId>,
    /// Shards of that boot that this one holds at once.
    #[serde(default, skip_serializing_if = "ShardSet::is_empty")]
    pub inherits: ShardSet,
}

impl Join {
    /// A join with a weight of 1, no labels, a lease of 30 s and a margin of 2 s.
    pub fn new(boot: BootId, node: &str, shards: u32) -> Self {
        Self {
            boot,
            node: node.into(),
            weight: 1,
            labels: Labels::default(),
            lease_ms: 30_000,
            margin_ms: 2_000,
            shards,
            reads: VERSION,
            succeeds: None,
            inherits: ShardSet::default(),
        }
    }
}
