//! The state as a record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{
    Boot, BootId, Labels, MAX_SHARDS, Moving, Places, Shard, Term,
    command::NameText,
    places::{MAX_ENDED, MAX_PLACES},
};

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
struct Written {
    shards: u32,
    boots: Vec<WrittenBoot>,
    ended: Vec<BootId>,
    places: Vec<Labels>,
    /// Each shard: the highest token; then the holder, as an index in `boots`, and its token; then
    /// who gets it, and the token of the move.
    table: Vec<Vec<u32>>,
    closed: Vec<NameText>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct WrittenBoot {
    boot: BootId,
    node: Box<str>,
    weight: u32,
    labels: Labels,
    lease_ms: u64,
    margin_ms: u64,
    renewal: u64,
    settled: bool,
    drains: bool,
}

impl Snapshot {
    /// The state as it is.
    pub fn of(places: &Places) -> Self {
        let state = Written::of(places);
        let hash = state.hash();
        let at = places.applied();
        Self { at, state, hash }
    }

    /// The number of the record before it.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The state before this record; `None` if it is no state, or not what was hashed.
    pub(super) fn state(&self) -> Option<Places> {
        (self.state.hash() == self.hash).then(|| self.state.read())?
    }
}

impl Written {
    fn of(places: &Places) -> Self {
        let index: BTreeMap<BootId, u32> = places.boots.keys().copied().zip(0..).collect();
        let at = |boot: BootId| index.get(&boot).copied().unwrap_or_default();
        let row = |shard: &Shard| {
            let mut row = vec![shard.highest.get().into()];
            if let Some((holder, term)) = shard.holder {
                row.extend([at(holder), term.get().into()]);
                let moving = shard.moving;
                row.extend(
                    moving
                        .into_iter()
                        .flat_map(|moving| [at(moving.to), moving.term.get().into()]),
                );
            }
            row
        };
        let boot = |(&boot, life): (&BootId, &Boot)| WrittenBoot {
            boot,
            node: life.node.clone(),
            weight: life.weight,
            labels: life.labels.clone(),
            lease_ms: u64::try_from(life.lease.as_millis()).unwrap_or(u64::MAX),
            margin_ms: u64::try_from(life.margin.as_millis()).unwrap_or(u64::MAX),
            renewal: life.renewal,
            settled: life.is_settled,
            drains: life.drains,
        };
        Self {
            shards: places.shards,
            boots: places.boots.iter().map(boot).collect(),
            ended: places.ended.iter().copied().collect(),
            places: places.labels.clone(),
            table: places.table.iter().map(row).collect(),
            closed: places.closed.iter().cloned().map(NameText).collect(),
        }
    }

    fn hash(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }

    fn read(&self) -> Option<Places> {
        let rows = usize::try_from(self.shards)
            .ok()?
            .checked_mul(self.places.len())?;
        let is_bounded = (1..=MAX_SHARDS).contains(&self.shards)
            && self.table.len() == rows
            && (1..=MAX_PLACES).contains(&self.places.len())
            && self.ended.len() <= MAX_ENDED;
        if !is_bounded {
            return None;
        }
        let boots: BTreeMap<BootId, Boot> = self.boots.iter().map(WrittenBoot::read).collect();
        let closed: BTreeSet<_> = self.closed.iter().map(|name| name.0.clone()).collect();
        Some(Places {
            shards: self.shards,
            table: self
                .table
                .iter()
                .map(|row| self.row(row))
                .collect::<Option<_>>()?,
            boots,
            ended: VecDeque::from(self.ended.clone()),
            labels: self.places.clone(),
            closed_bytes: closed.iter().map(|name| name.as_str().len()).sum(),
            closed,
            ..Places::default()
        })
    }

    fn row(&self, row: &[u32]) -> Option<Shard> {
        let boot = |at: u32| Some(self.boots.get(usize::try_from(at).ok()?)?.boot);
        let term = |term: u32| u16::try_from(term).ok().map(Term::new);
        let (&highest, rest) = row.split_first()?;
        let (holder, moving) = match *rest {
            [] => (None, None),
            [holder, token] => (Some((boot(holder)?, term(token)?)), None),
            [holder, token, to, moved] => {
                let moving = Moving {
                    to: boot(to)?,
                    term: term(moved)?,
                };
                (Some((boot(holder)?, term(token)?)), Some(moving))
            }
            _ => return None,
        };
        Some(Shard {
            holder,
            moving,
            highest: term(highest)?,
        })
    }
}

impl WrittenBoot {
    fn read(&self) -> (BootId, Boot) {
        let boot = Boot {
            node: self.node.clone(),
            weight: self.weight,
            labels: self.labels.clone(),
            lease: std::time::Duration::from_millis(self.lease_ms),
            margin: std::time::Duration::from_millis(self.margin_ms),
            renewal: self.renewal,
            is_settled: self.settled,
            drains: self.drains,
        };
        (self.boot, boot)
    }
}
