//! What a node is to do, and what an operator wants to know.

use super::{
    super::{BootId, Command, EndedBy, Labels, ShardId, Term, Void},
    kept::Kept,
};

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Append to the log. It may be lost: what is needed is appended again.
    Append(Command),
    /// Keep in the `state_dir`, before anything that follows.
    Keep(Kept),
    /// Open the shard's names, under this token.
    Hold(ShardId, Term),
    /// Stop the shard's names: it is another's, or nobody's.
    Lose(ShardId),
    /// Move the shard's names, one by one. Then [`Member::given`](super::Member::given).
    Give {
        /// The shard.
        shard: ShardId,
        /// Who gets it.
        to: BootId,
        /// The token of names that have crossed.
        term: Term,
    },
    /// Make the shard's names ready, and take each one on the word of its holder.
    Receive {
        /// The shard.
        shard: ShardId,
        /// Who gives it.
        from: BootId,
        /// The token of names that have crossed.
        term: Term,
    },
    /// Stop everything at once: nothing is held any more.
    End(EndReason),
    /// Read the log again, from its first record.
    Reread,
    /// The records below this one are needed by nobody.
    Purge(u64),
    /// Say this to the operator.
    Report(Report),
}

/// Why a boot of this node has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndReason {
    /// The lease ran out before a renewal was seen in the log.
    #[error("the lease ran out: no renewal was seen in the log in time")]
    Lapsed,
    /// The log says that it has ended.
    #[error("the log says that this boot has ended: {0}")]
    Ended(EndedBy),
    /// The log ends below what was read, or is not what was read.
    #[error("the log went back")]
    WentBack,
    /// Records were deleted before this node has read them.
    #[error("records of the log were deleted before this node has read them")]
    Behind,
    /// The log has records of a newer version.
    #[error("the log has records of version {0}: this node has to be upgraded")]
    Newer(u32),
    /// The node leaves.
    #[error("the node leaves")]
    Leaving,
    /// The node has another number of shards than the cluster.
    #[error("{0}")]
    OtherShards(OtherShards),
}

/// The numbers of shards of a cluster and of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cluster has {cluster} shards, this node has {node}: set `shards = {cluster}`")]
pub struct OtherShards {
    /// The number of the cluster.
    pub cluster: u32,
    /// The number of the node.
    pub node: u32,
}

/// What an operator wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Another process with the name of this node is alive.
    NodeTaken(BootId),
    /// The log does not let this node join, for this reason.
    Refused(Void),
    /// A snapshot in the log differs from the state that this node has computed: one of the two is
    /// wrong. It is void.
    SnapshotDiffers,
    /// Names ask for labels that the cluster has no place for: nobody holds them.
    NoPlace(Labels),
}
