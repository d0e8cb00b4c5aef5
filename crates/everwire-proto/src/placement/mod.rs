//! Which node of a cluster holds which names: a fold over a log that all nodes read.
//!
//! Nodes append [`Command`]s to a log and apply all of it in its order to [`Places`]. A command
//! that the state does not allow is void for all nodes alike, so two claims for one shard are
//! decided by their order, not by an acknowledgement. [`Member`] decides what one node appends, and
//! until when it may write. `docs/cluster.md` of the project states the promises.
//!
//! ```
//! use everwire_proto::placement::{BootId, Change, Command, Join, Outcome, Places, ShardSet, Term};
//!
//! let mut places = Places::default();
//! let [a, b] = [1, 2].map(BootId::new);
//! places.apply(1, &Command::Create { shards: 4 })?;
//! places.apply(2, &Command::Join(Join::new(a, "a", 4)))?;
//! places.apply(3, &Command::Join(Join::new(b, "b", 4)))?;
//!
//! let shards: ShardSet = [2].into_iter().map(Into::into).collect();
//! let claim = |boot| Command::Claim { boot, shards: shards.clone(), seen: Default::default() };
//! let first = places.apply(4, &claim(b))?;
//! assert_eq!(first.changes(), [Change::Taken { shard: 2.into(), boot: b, term: Term::new(1) }]);
//! assert!(matches!(places.apply(5, &claim(a))?, Outcome::Void(_)));
//! # Ok::<(), everwire_proto::placement::OutOfOrder>(())
//! ```

mod apply;
mod boot;
mod boot_id;
mod choose;
mod clocks;
mod command;
mod lease;
mod member;
mod outcome;
mod places;
mod record;
mod shard;
mod shard_set;
mod snapshot;
#[cfg(test)]
mod tests;
mod write_down;

pub use self::{
    boot::Boot,
    boot_id::BootId,
    choose::choose,
    clocks::Clocks,
    command::{Command, Join, VERSION},
    lease::{InvalidLease, LeaseSettings},
    member::{Effect, EndReason, Here, Kept, Member, MemberSettings, OtherShards, Report},
    outcome::{Change, EndedBy, Outcome, Void},
    places::{MAX_CLOSED_BYTES, MAX_ENDED, MAX_NODES, MAX_PLACES, MAX_TABLE, OutOfOrder, Places},
    record::Record,
    shard::{MAX_SHARDS, Moving, Shard, ShardId, Term, shard_number},
    shard_set::ShardSet,
    snapshot::Snapshot,
};
// What a place asks for is a setting of a name.
pub use crate::settings::{Labels, MAX_LABELS};
