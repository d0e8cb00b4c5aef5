//! The state of the cluster, as one of its nodes sees it.

use std::{collections::BTreeMap, time::Duration};

use everwire_nats::Trouble;
use everwire_proto::placement::{BootId, Member, Places, ShardId};
use jiff::Timestamp;
use serde::Serialize;

use crate::seen::{Former, Moves};

/// The state of the cluster, as this node sees it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClusterStatus {
    /// This node.
    pub node: Box<str>,
    /// Its boot, in hexadecimal digits; `None` before it has joined.
    pub boot: Option<String>,
    /// What it does.
    pub phase: Phase,
    /// Why it last held nothing any more.
    pub ended: Option<Trouble>,
    /// For how many more seconds it may write; `None` if it may not.
    pub lease_seconds: Option<f64>,
    /// The log.
    pub log: LogStatus,
    /// How many shards each place has; 0 before the log has begun.
    pub shards: u32,
    /// How many shards nobody holds.
    pub free: usize,
    /// The nodes, in the order of their names.
    pub nodes: Vec<NodeStatus>,
    /// The moves that are under way, at most 256 of them.
    pub moves: Vec<MoveStatus>,
    /// How many shards came to this node from others.
    pub moved: Moves,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has not read the log to its end.
    Reading,
    /// It waits to join, or for its join in the log.
    Joining,
    /// It has joined, and waits until it can be given shards.
    Settling,
    /// It can be given shards.
    Ready,
    /// It gives away what it has.
    Draining,
    /// It takes no further part.
    Left,
}

/// The log, as this node reads it.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct LogStatus {
    /// The server that it is read from; `None` while it is not.
    pub server: Option<String>,
    /// Why it cannot be read, or the last such reason.
    pub error: Option<Trouble>,
    /// The number of the last record that was read.
    pub read: u64,
    /// Differences between the stream and the settings.
    pub differences: Vec<String>,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NodeStatus {
    /// Its name.
    pub node: Box<str>,
    /// Its boot, in hexadecimal digits.
    pub boot: String,
    /// Its share, beside the weights of others.
    pub weight: u32,
    /// What it has, for names with a `place`.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// How many shards it holds.
    pub shards: usize,
    /// Whether it can be given shards.
    pub is_settled: bool,
    /// Whether it gives away what it has.
    pub drains: bool,
    /// How many seconds ago this node saw its last renewal.
    pub renewed_seconds_ago: Option<f64>,
}

/// A shard on its way.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MoveStatus {
    /// The shard.
    pub shard: ShardId,
    /// The node that gives it.
    pub from: Box<str>,
    /// The node that gets it.
    pub to: Box<str>,
}

/// Where a name is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Where {
    /// Its shard.
    pub shard: ShardId,
    /// The node that holds it; `None` if nobody does.
    pub node: Option<Box<str>>,
    /// Whether that is this node.
    pub is_here: bool,
    /// The holder's token.
    pub token: Option<u16>,
    /// Since when the holder has it, as this node saw it; `None` if this node was not there.
    pub since: Option<Timestamp>,
    /// How many seconds ago this node saw the last sign of life of the holder; `None` if it is this
    /// node.
    pub silent_seconds: Option<f64>,
    /// Who held it last, while nobody does.
    pub former: Option<Former>,
    /// Within so many seconds after a holder's last sign of life, or after its end, another node holds
    /// it, if one lives that may.
    pub held_again_seconds: f64,
}

impl Where {
    /// A shard that nobody has held.
    pub fn new(shard: ShardId) -> Self {
        Self {
            shard,
            node: None,
            is_here: false,
            token: None,
            since: None,
            silent_seconds: None,
            former: None,
            held_again_seconds: 0.0,
        }
    }
}

/// So many moves are told.
const MOST_MOVES: usize = 256;

/// The state of the cluster as `member` has read it.
pub(crate) fn of(
    member: &Member,
    node: &str,
    now: Duration,
    log: LogStatus,
    ended: Option<Trouble>,
    moved: Moves,
) -> ClusterStatus {
    let places = member.places();
    let left = member.write_until().map(|until| until.saturating_sub(now));
    let table: Vec<_> = places.table().collect();
    let moving = table.iter().filter_map(|(shard, state)| {
        let (from, _) = state.holder?;
        Some(MoveStatus {
            shard: *shard,
            from: node_of(places, from)?,
            to: node_of(places, state.moving?.to)?,
        })
    });
    ClusterStatus {
        node: node.into(),
        boot: member.boot().map(|boot| boot.to_string()),
        phase: phase(member),
        ended,
        lease_seconds: left
            .filter(|left| !left.is_zero())
            .map(|left| left.as_secs_f64()),
        shards: places.shards(),
        free: table
            .iter()
            .filter(|(_, shard)| shard.holder.is_none())
            .count(),
        moves: moving.take(MOST_MOVES).collect(),
        moved,
        nodes: nodes(member, now),
        log: LogStatus {
            read: places.applied(),
            ..log
        },
    }
}

/// The node of a boot that lives.
pub(crate) fn node_of(places: &Places, boot: BootId) -> Option<Box<str>> {
    places.boot(boot).map(|boot| boot.node.clone())
}

fn phase(member: &Member) -> Phase {
    if member.has_stopped() {
        return Phase::Left;
    }
    let mine = member.boot().and_then(|boot| member.places().boot(boot));
    match mine {
        None if !member.is_clear() => Phase::Reading,
        None => Phase::Joining,
        Some(boot) if boot.drains => Phase::Draining,
        Some(boot) if boot.is_settled => Phase::Ready,
        Some(_) => Phase::Settling,
    }
}

fn nodes(member: &Member, now: Duration) -> Vec<NodeStatus> {
    let places = member.places();
    let mut held: BTreeMap<BootId, usize> = BTreeMap::new();
    for (boot, _) in places.table().filter_map(|(_, shard)| shard.holder) {
        *held.entry(boot).or_default() += 1;
    }
    let nodes = places.boots().map(|(id, boot)| NodeStatus {
        node: boot.node.clone(),
        boot: id.to_string(),
        weight: boot.weight,
        labels: boot
            .labels
            .iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect(),
        shards: held.get(&id).copied().unwrap_or_default(),
        is_settled: boot.is_settled,
        drains: boot.drains,
        renewed_seconds_ago: member
            .renewal(id)
            .map(|seen| now.saturating_sub(seen).as_secs_f64()),
    });
    let mut nodes: Vec<NodeStatus> = nodes.collect();
    nodes.sort_by(|a, b| a.node.cmp(&b.node));
    nodes
}
