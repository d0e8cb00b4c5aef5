//! Boots: the lives of nodes.

use std::time::Duration;

use super::{Join, Labels};

/// A boot that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The name of its node.
    pub node: Box<str>,
    /// Its share, beside the weights of others.
    pub weight: u32,
    /// What it has, for names with a `place`.
    pub labels: Labels,
    /// How long it may write after a renewal, before the margin is subtracted.
    pub lease: Duration,
    /// How far the clocks of two nodes may be apart after a lease.
    pub margin: Duration,
    /// The newest version of a record that it can read.
    pub reads: u32,
    /// The number of its last renewal; 0 after its join.
    pub renewal: u64,
    /// Whether it has read the log without a break for lease + margin.
    pub is_settled: bool,
    /// Whether it is given no more, and gives away what it has.
    pub drains: bool,
}

impl Boot {
    pub(super) fn new(join: &Join) -> Self {
        Self {
            node: join.node.clone(),
            weight: join.weight,
            labels: join.labels.clone(),
            lease: Duration::from_millis(join.lease_ms),
            margin: Duration::from_millis(join.margin_ms),
            reads: join.reads,
            renewal: 0,
            is_settled: false,
            drains: false,
        }
    }

    /// After this time without a renewal it has stopped writing, by any clock.
    pub fn silence(&self) -> Duration {
        self.lease.saturating_add(self.margin)
    }
}
