//! A set of shards, as ranges.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::ShardId;

/// More shards than all places can have.
const MOST: u32 = 1 << 16;

/// A set of shards. In a record it is a list of ranges, `[[0,84],[99,99]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShardSet(BTreeSet<ShardId>);

impl ShardSet {
    /// The shards, in their order.
    pub fn iter(&self) -> impl Iterator<Item = ShardId> {
        self.0.iter().copied()
    }

    /// Whether the shard is among them.
    pub fn contains(&self, shard: ShardId) -> bool {
        self.0.contains(&shard)
    }

    /// Adds a shard.
    pub fn insert(&mut self, shard: ShardId) {
        self.0.insert(shard);
    }

    /// Takes a shard out.
    pub fn remove(&mut self, shard: ShardId) {
        self.0.remove(&shard);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<ShardId> for ShardSet {
    fn from_iter<I: IntoIterator<Item = ShardId>>(shards: I) -> Self {
        Self(shards.into_iter().collect())
    }
}

impl Serialize for ShardSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut ranges: Vec<[u32; 2]> = Vec::new();
        for shard in self.0.iter().map(|shard| shard.get()) {
            match ranges.last_mut() {
                Some([_, last]) if last.checked_add(1) == Some(shard) => *last = shard,
                _ => ranges.push([shard, shard]),
            }
        }
        ranges.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShardSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ranges = Vec::<[u32; 2]>::deserialize(deserializer)?;
        // Ranges that grow cannot name more shards than there are.
        let mut next = 0;
        for &[first, last] in &ranges {
            if first < next || last < first || last >= MOST {
                return Err(D::Error::custom("ranges of shards must grow"));
            }
            next = last + 1;
        }
        let shards = ranges.into_iter().flat_map(|[first, last]| first..=last);
        Ok(shards.map(ShardId::from).collect())
    }
}
