//! The nodes of the world, each on a machine of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{BootId, Clocks, EndReason, Kept, Labels, Member, Report, ShardId, Term},
    world::ms,
};

/// A machine, with a node on it, or two of one name.
pub struct Node {
    pub name: Box<str>,
    pub weight: u32,
    pub labels: Labels,
    /// Of 1,000 parts of the true time the clock counts so many.
    pub rate: u64,
    pub offset: u64,
    pub wall: i64,
    /// What the process has kept, unless it was lost.
    pub kept: Option<Kept>,
    pub process: Option<Process>,
    pub starts_at: u64,
    pub is_cut: bool,
    pub is_cut_from_nodes: bool,
    pub stopped_until: u64,
    /// Until when it reads from a replica that is so far behind.
    pub lags: (u64, u64),
}

pub struct Process {
    pub member: Member,
    /// The names of each shard that it may write for, as its own runtime knows them.
    pub own: BTreeMap<ShardId, BTreeSet<u8>>,
    /// Names that were given to it, before it has read that the shard moves.
    pub words: Vec<Word>,
    pub giving: BTreeMap<ShardId, Giving>,
    /// The next record that it reads.
    pub next: u64,
    pub last_id: u64,
    /// Since when it is connected.
    pub connected: Option<u64>,
    pub lag: u64,
    pub is_caught_up: bool,
    pub ends: Vec<EndReason>,
    pub reports: Vec<Report>,
}

pub struct Giving {
    pub to: BootId,
    pub term: Term,
    pub left: BTreeSet<u8>,
    pub until: u64,
}

/// "The name is yours", from one node to another.
#[derive(Clone, Copy)]
pub struct Word {
    pub to: BootId,
    pub shard: ShardId,
    pub term: Term,
    pub name: u8,
    pub at: u64,
}

impl Node {
    /// What its clocks say at this time of the world.
    pub fn clocks(&self, now: u64) -> Clocks {
        let boot = now * self.rate / 1000 + self.offset;
        let wall = 1_700_000_000_000_i64 + i64::try_from(boot).unwrap() + self.wall;
        Clocks {
            boot: ms(boot),
            wall: ms(wall.try_into().unwrap()),
        }
    }
}
