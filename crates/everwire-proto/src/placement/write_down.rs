//! Writes the state down, and reads it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Boot, BootId, MAX_ENDED, MAX_PLACES, MAX_SHARDS, MAX_TABLE, Moving, Places, Shard, Snapshot,
    Term,
    apply::written,
    snapshot::{Written, WrittenBoot},
};

impl Places {
    /// The state as a record, which is void unless it is the next one.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.applied(), self.written())
    }

    /// The state that a snapshot has; `None` if it is no state, or not what was hashed.
    pub(super) fn of_snapshot(snapshot: &Snapshot) -> Option<Self> {
        snapshot.state()?.read()
    }

    fn written(&self) -> Written {
        let index: BTreeMap<BootId, u32> = self.boots.keys().copied().zip(0..).collect();
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
            reads: life.reads,
            renewal: life.renewal,
            settled: life.is_settled,
            drains: life.drains,
        };
        Written {
            shards: self.shards,
            boots: self.boots.iter().map(boot).collect(),
            ended: self.ended.iter().copied().collect(),
            places: self.labels.clone(),
            table: self.table.iter().map(row).collect(),
            closed: self.closed.iter().cloned().collect(),
        }
    }
}

impl Written {
    fn read(&self) -> Option<Places> {
        let rows = usize::try_from(self.shards)
            .ok()?
            .checked_mul(self.places.len())?;
        let is_bounded = (1..=MAX_SHARDS).contains(&self.shards)
            && self.table.len() == rows
            && rows <= MAX_TABLE
            && (1..=MAX_PLACES).contains(&self.places.len())
            && self.ended.len() <= MAX_ENDED;
        if !is_bounded {
            return None;
        }
        let boots: BTreeMap<BootId, Boot> = self.boots.iter().map(WrittenBoot::read).collect();
        let closed: BTreeSet<_> = self.closed.iter().cloned().collect();
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
            closed_bytes: closed.iter().map(written).sum(),
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
            reads: self.reads,
            renewal: self.renewal,
            is_settled: self.settled,
            drains: self.drains,
        };
        (self.boot, boot)
    }
}
