//! The state of a cluster: a fold over its log.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Boot, BootId, Command, Labels, Outcome, Shard, ShardId, Void, shard_number};
use crate::settings::ConnectionName;

/// Boots that have ended and are remembered, so that a record of theirs that comes late is void.
pub const MAX_ENDED: usize = 1024;
/// The most different `place` tables of names, the empty one among them.
pub const MAX_PLACES: usize = 64;
/// The most nodes.
pub const MAX_NODES: usize = 256;
/// The most shards of all places together.
pub const MAX_TABLE: usize = 32_768;
/// The most text of names that are closed by hand.
pub const MAX_CLOSED_BYTES: usize = 192 * 1024;

/// The state of a cluster after a part of its log.
///
/// All that have applied the same records have the same state. It is bounded, so that a [`Snapshot`](super::Snapshot) of it fits
/// into a message of 1 MiB.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub(super) applied: u64,
    /// The number of the first record that was read. If it is not 1, the beginning is missing, and
    /// only a snapshot has it: others may have read more.
    pub(super) first: u64,
    pub(super) shards: u32,
    pub(super) boots: BTreeMap<BootId, Boot>,
    pub(super) ended: VecDeque<BootId>,
    pub(super) labels: Vec<Labels>,
    pub(super) table: Vec<Shard>,
    pub(super) closed: BTreeSet<ConnectionName>,
    pub(super) closed_bytes: usize,
}

/// A record was given that does not follow the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {given} does not follow record {applied}")]
pub struct OutOfOrder {
    /// The number of the last record that was applied.
    pub applied: u64,
    /// The number of the record.
    pub given: u64,
}

impl Places {
    /// Applies the record with this number.
    ///
    /// # Errors
    ///
    /// [`OutOfOrder`] if it is not the number after the last one; the first record has any.
    pub fn apply(&mut self, number: u64, command: &Command) -> Result<Outcome, OutOfOrder> {
        self.count(number)?;
        Ok(match self.changes(command) {
            Ok(changes) => Outcome::Applied(changes),
            Err(void) => Outcome::Void(void),
        })
    }

    /// Passes over a record that is no command.
    ///
    /// # Errors
    ///
    /// As [`Places::apply`].
    pub fn pass(&mut self, number: u64) -> Result<Outcome, OutOfOrder> {
        self.count(number)?;
        Ok(Outcome::Void(Void::Unreadable))
    }

    fn count(&mut self, number: u64) -> Result<(), OutOfOrder> {
        let applied = self.applied;
        if applied > 0 && applied.checked_add(1) != Some(number) {
            return Err(OutOfOrder {
                applied,
                given: number,
            });
        }
        if applied == 0 {
            self.first = number;
        }
        self.applied = number;
        Ok(())
    }

    /// The number of the last record that was applied; 0 if none was.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// How many shards each place has; 0 before the log has begun.
    pub fn shards(&self) -> u32 {
        self.shards
    }

    /// The boots that live.
    pub fn boots(&self) -> impl Iterator<Item = (BootId, &Boot)> {
        self.boots.iter().map(|(id, boot)| (*id, boot))
    }

    /// A boot that lives.
    pub fn boot(&self, boot: BootId) -> Option<&Boot> {
        self.boots.get(&boot)
    }

    /// Whether the boot has joined and ended, as far as is remembered.
    pub fn has_ended(&self, boot: BootId) -> bool {
        self.ended.contains(&boot)
    }

    /// All shards.
    pub fn table(&self) -> impl Iterator<Item = (ShardId, &Shard)> {
        (0..).map(ShardId::from).zip(&self.table)
    }

    /// A shard.
    pub fn shard(&self, shard: ShardId) -> Option<&Shard> {
        self.table.get(shard.index())
    }

    /// The shard of a name that asks for these labels; `None` before they are known.
    pub fn shard_of(&self, name: &str, place: &Labels) -> Option<ShardId> {
        let index = self.labels.iter().position(|labels| labels == place)?;
        let number = shard_number(name, self.shards);
        Some(ShardId::new(
            u32::try_from(index).ok()?,
            self.shards,
            number,
        ))
    }

    /// Whether the name was closed by hand.
    pub fn is_closed(&self, name: &ConnectionName) -> bool {
        self.closed.contains(name)
    }

    /// Whether these labels are known.
    pub fn knows(&self, place: &Labels) -> bool {
        self.labels.contains(place)
    }

    /// What this state holds, whatever the number of its last record is.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.shards == other.shards
            && self.boots == other.boots
            && self.ended == other.ended
            && self.labels == other.labels
            && self.table == other.table
            && self.closed == other.closed
    }
}
