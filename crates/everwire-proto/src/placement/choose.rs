//! Which boot is to hold which shard.

use std::collections::BTreeMap;

use super::{Boot, BootId, Labels, Places, Shard, ShardId};

/// Which boot is to hold each shard, in the order of the shards; `None` if nobody can.
///
/// A shard stays where it is, unless its holder has more than its quota or cannot hold it. What is
/// to move or is free goes to boots below their quota, to the one with the highest rendezvous hash.
/// All that have the same state choose alike.
pub fn choose(places: &Places) -> Vec<Option<BootId>> {
    let count = usize::try_from(places.shards()).unwrap_or_default().max(1);
    let mut chosen = Vec::with_capacity(places.table.len());
    for (index, (labels, shards)) in places
        .labels
        .iter()
        .zip(places.table.chunks(count))
        .enumerate()
    {
        let first = u32::try_from(index * count).unwrap_or(u32::MAX);
        chosen.extend(Choice::new(places, labels, first, shards).run());
    }
    chosen
}

/// The choice for the shards of one place.
struct Choice<'p> {
    first: u32,
    shards: &'p [Shard],
    /// Those that can hold them, by the names of their nodes, with what they may still get.
    boots: Vec<Candidate<'p>>,
    chosen: Vec<Option<BootId>>,
}

struct Candidate<'p> {
    id: BootId,
    node: &'p str,
    quota: usize,
    has: Vec<usize>,
}

impl<'p> Choice<'p> {
    fn new(places: &'p Places, labels: &Labels, first: u32, shards: &'p [Shard]) -> Self {
        let can = |boot: &Boot| {
            boot.is_settled && !boot.drains && boot.weight > 0 && boot.labels.has(labels)
        };
        let mut able: Vec<_> = places.boots().filter(|(_, boot)| can(boot)).collect();
        able.sort_by(|(_, a), (_, b)| a.node.cmp(&b.node));
        let quotas = quotas(shards.len(), able.iter().map(|(_, boot)| boot.weight));
        let boots = able
            .into_iter()
            .zip(quotas)
            .map(|((id, boot), quota)| Candidate {
                id,
                node: &boot.node,
                quota,
                has: Vec::new(),
            });
        let boots = boots.collect();
        let chosen = vec![None; shards.len()];
        Self {
            first,
            shards,
            boots,
            chosen,
        }
    }

    fn run(mut self) -> Vec<Option<BootId>> {
        if self.boots.is_empty() {
            // What is held stays until somebody can take it.
            return self.shards.iter().map(goes_to).collect();
        }
        let mut rest = self.count();
        rest.extend(self.excess());
        rest.sort_unstable();
        for at in rest {
            let room = self
                .boots
                .iter_mut()
                .filter(|boot| boot.has.len() < boot.quota);
            let best = room.max_by_key(|boot| score(boot.node, self.first, at));
            if let Some(boot) = best {
                boot.has.push(at);
            }
        }
        for boot in &self.boots {
            for &at in &boot.has {
                if let Some(chosen) = self.chosen.get_mut(at) {
                    *chosen = Some(boot.id);
                }
            }
        }
        self.chosen
    }

    /// Counts who has what. Returns what nobody has who can hold it.
    fn count(&mut self) -> Vec<usize> {
        let index: BTreeMap<BootId, usize> =
            self.boots.iter().map(|boot| boot.id).zip(0..).collect();
        let mut rest = Vec::new();
        for (at, shard) in self.shards.iter().enumerate() {
            let boot = goes_to(shard).and_then(|boot| self.boots.get_mut(*index.get(&boot)?));
            match boot {
                Some(boot) => boot.has.push(at),
                None => rest.push(at),
            }
        }
        rest
    }

    /// Takes from those above their quota what fits best to those below theirs.
    fn excess(&mut self) -> Vec<usize> {
        let below = self.boots.iter().filter(|boot| boot.has.len() < boot.quota);
        let below: Vec<&str> = below.map(|boot| boot.node).collect();
        let mut excess = Vec::new();
        for boot in &mut self.boots {
            if boot.has.len() <= boot.quota {
                continue;
            }
            let fits = |at: &usize| below.iter().map(|node| score(node, self.first, *at)).max();
            // What moves already is not turned back.
            let moves = |at: &usize| {
                self.shards
                    .get(*at)
                    .is_some_and(|shard| shard.moving.is_some())
            };
            boot.has
                .sort_by_cached_key(|at| (!moves(at), fits(at), *at));
            excess.extend(boot.has.drain(boot.quota..));
        }
        excess
    }
}

/// Who has the shard, or will have it.
fn goes_to(shard: &Shard) -> Option<BootId> {
    let moving = shard.moving.map(|moving| moving.to);
    moving.or(shard.holder.map(|(holder, _)| holder))
}

/// How many of `count` each one gets by its weight: the whole part of its share, and one more for
/// those with the greatest rest.
fn quotas(count: usize, weights: impl Iterator<Item = u32>) -> Vec<usize> {
    let weights: Vec<u64> = weights.map(u64::from).collect();
    let sum: u64 = weights.iter().sum::<u64>().max(1);
    let all = u64::try_from(count).unwrap_or(u64::MAX);
    let share = |weight: &u64| weight.saturating_mul(all);
    let mut quotas: Vec<u64> = weights.iter().map(|weight| share(weight) / sum).collect();
    let mut by_rest: Vec<usize> = (0..weights.len()).collect();
    by_rest.sort_by_key(|&at| std::cmp::Reverse(weights.get(at).map(|weight| share(weight) % sum)));
    let left = all - quotas.iter().sum::<u64>();
    for at in by_rest
        .into_iter()
        .take(usize::try_from(left).unwrap_or(usize::MAX))
    {
        if let Some(quota) = quotas.get_mut(at) {
            *quota += 1;
        }
    }
    quotas
        .into_iter()
        .map(|quota| usize::try_from(quota).unwrap_or(usize::MAX))
        .collect()
}

/// The rendezvous hash of a node and a shard: FNV-1a (64 bit), with the bits of the end mixed into
/// all.
fn score(node: &str, first: u32, at: usize) -> u64 {
    let shard = ShardId::from(first.saturating_add(u32::try_from(at).unwrap_or(u32::MAX)));
    let bytes = node.bytes().chain([0]).chain(shard.get().to_be_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    for multiplier in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ hash >> 33).wrapping_mul(multiplier);
    }
    hash ^ hash >> 33
}
