//! The state as a record.

use serde::{Deserialize, Serialize};

use super::{BootId, Labels};
use crate::settings::ConnectionName;

/// The state before a record, with a hash of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The number of the record before it.
    at: u64,
    state: Written,
    /// FNV-1a (64 bit) of the state's JSON text.
    hash: String,
}

/// The state in plain types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Written {
    pub shards: u32,
    pub boots: Vec<WrittenBoot>,
    pub ended: Vec<BootId>,
    pub places: Vec<Labels>,
    /// Each shard: the highest token; then the holder, as an index in `boots`, and its token; then
    /// who gets it, and the token of the move.
    pub table: Vec<Vec<u32>>,
    pub closed: Vec<ConnectionName>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WrittenBoot {
    pub boot: BootId,
    pub node: Box<str>,
    pub weight: u32,
    pub labels: Labels,
    pub lease_ms: u64,
    pub margin_ms: u64,
    pub reads: u32,
    pub renewal: u64,
    pub settled: bool,
    pub drains: bool,
}

impl Snapshot {
    /// A state, as it is before the record after this one.
    pub(super) fn new(at: u64, state: Written) -> Self {
        let hash = state.hash();
        Self { at, state, hash }
    }

    /// The number of the record before it.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The state; `None` if it is not what was hashed.
    pub(super) fn state(&self) -> Option<&Written> {
        (self.state.hash() == self.hash).then_some(&self.state)
    }
}

impl Written {
    fn hash(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}
