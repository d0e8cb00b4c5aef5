//! What a process leaves to the next one of its node.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::{BootId, ShardSet};

/// What a process leaves in its `state_dir`. With the lock of that folder, the next process knows
/// that these boots have stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Boots of the node, the last one at the end.
    pub boots: Vec<BootId>,
    /// When the last one's lease ends, by the clock since the start of the machine; absent if it was
    /// never proven.
    pub until: Option<Duration>,
    /// What the last one holds, and has not begun to give away.
    pub holds: ShardSet,
}
