//! What a record did to the state.

use super::{BootId, Labels, ShardId, Term};
use crate::settings::ConnectionName;

/// What a record did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It changed the state, in this order.
    Applied(Vec<Change>),
    /// It did nothing, on any node.
    Void(Void),
}

/// A change of the state.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The log has begun.
    Created,
    /// A boot lives.
    Joined(BootId),
    /// A boot has renewed its lease.
    Renewed(BootId, u64),
    /// A boot can be given shards.
    Settled(BootId),
    /// A boot gives away what it has.
    Drains(BootId),
    /// A boot has ended.
    Ended {
        /// Which one.
        boot: BootId,
        /// Its node.
        node: Box<str>,
        /// Who ended it.
        by: EndedBy,
    },
    /// Names may ask for these labels.
    Placed(Labels),
    /// A boot holds a shard.
    Taken {
        /// The shard.
        shard: ShardId,
        /// Its holder.
        boot: BootId,
        /// Its token.
        term: Term,
    },
    /// Nobody holds the shard.
    Freed(ShardId),
    /// A shard is on its way.
    Moves {
        /// The shard.
        shard: ShardId,
        /// Its holder.
        from: BootId,
        /// Who gets it.
        to: BootId,
        /// The token of names that have crossed.
        term: Term,
    },
    /// A name was closed by hand.
    Closed(ConnectionName),
    /// A name is no longer closed by hand.
    Opened(ConnectionName),
    /// The state was written down.
    Snapshot,
}

/// Who ended a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndedBy {
    /// The boot itself, in order.
    #[error("it left")]
    Itself,
    /// The next boot of its node.
    #[error("boot {0} of the same node succeeds it")]
    Successor(BootId),
    /// Another boot, which saw no renewal.
    #[error("boot {0} has seen no renewal of it in time")]
    Suspicion(BootId),
}

/// Why a command did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Void {
    /// The log does not begin with this record.
    #[error("the log has not begun: its first record has to be `create` or `snapshot`")]
    NotCreated,
    /// The log has begun already.
    #[error("the log has begun already")]
    AlreadyCreated,
    /// Records before the first one that was read are missing, and no snapshot has them.
    #[error(
        "the log begins in the middle, without a snapshot: a node that lives will write one; if none lives, delete the stream"
    )]
    NoBeginning,
    /// A number of shards that cannot be.
    #[error("{0} shards: a place has 1 to 16,384")]
    Shards(u32),
    /// The node has another number of shards.
    #[error(
        "the cluster has {cluster} shards, the node has {node}: the number is fixed when a cluster is made"
    )]
    OtherShards {
        /// The number of the cluster.
        cluster: u32,
        /// The number of the node.
        node: u32,
    },
    /// The boot has joined before.
    #[error("boot {0} has joined before")]
    Known(BootId),
    /// Another boot of the node lives.
    #[error("boot {0} of this node lives: two nodes may have the same name")]
    NodeTaken(BootId),
    /// The boot does not live.
    #[error("boot {0} does not live")]
    NotAlive(BootId),
    /// The boot has a later renewal.
    #[error("the boot has renewed its lease: its last renewal is {0}")]
    Later(u64),
    /// None of the shards is free.
    #[error("none of the shards is free")]
    NotFree,
    /// There is no such shard.
    #[error("there is no shard {0}")]
    NoShard(ShardId),
    /// The boot does not hold the shard.
    #[error("the boot does not hold shard {0}")]
    NotHolder(ShardId),
    /// The shard moves already.
    #[error("shard {0} moves already")]
    Moves(ShardId),
    /// The shard does not move.
    #[error("shard {0} does not move")]
    DoesNotMove(ShardId),
    /// The shard has used up its tokens.
    #[error("shard {0} has had 65,535 holders: make the cluster anew")]
    NoTerm(ShardId),
    /// There are as many places as there may be.
    #[error("there are 64 different places, or 32,768 shards in all: no more fit")]
    TooManyPlaces,
    /// Labels, or the name of a node, that are too long.
    #[error("labels have at most 256 bytes, the name of a node has at most 128")]
    LongLabels,
    /// There are as many nodes as there may be.
    #[error("there are 256 nodes already")]
    TooManyNodes,
    /// As many names are closed by hand as there may be.
    #[error(
        "the names that are closed by hand fill 192 KiB: set `enabled = false` for some of them"
    )]
    TooManyClosed,
    /// Nothing would change.
    #[error("it is so already")]
    Unchanged,
    /// Another record came before the snapshot.
    #[error("another record came before the snapshot")]
    Late,
    /// The snapshot is not the state.
    #[error("the snapshot differs from the state")]
    Differs,
    /// No command of any version.
    #[error("the record is none of this log")]
    Unreadable,
}

impl Outcome {
    /// The changes; none if it is void.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Applied(changes) => changes,
            Self::Void(_) => &[],
        }
    }
}
