//! What each command does to the state.

use std::collections::BTreeMap;

use super::{
    Boot, BootId, Change, Command, EndedBy, Join, Labels, MAX_CLOSED_BYTES, MAX_ENDED, MAX_LABELS,
    MAX_NODES, MAX_PLACES, MAX_SHARDS, MAX_TABLE, Moving, Places, Shard, ShardId, ShardSet,
    Snapshot, Term, Void,
};
use crate::settings::{ConnectionName, MAX_NAME};

type Changes = Result<Vec<Change>, Void>;

impl Places {
    pub(super) fn changes(&mut self, command: &Command) -> Changes {
        match command {
            Command::Create { shards } => return self.create(*shards),
            Command::Snapshot(snapshot) => return self.compare(snapshot),
            _ if self.shards == 0 => return Err(Void::NotCreated),
            _ => {}
        }
        match command {
            Command::Join(join) => self.join(join),
            Command::Renew { boot, number } => self.renew(*boot, *number),
            Command::Settle { boot } => self.settle(*boot),
            Command::Suspect { by, boot, number } => self.suspect(*by, *boot, *number),
            Command::Leave { boot } => {
                self.alive(*boot)?;
                Ok(self.end(*boot, EndedBy::Itself))
            }
            Command::Drain { boot } => self.drain(*boot),
            Command::Place { labels } => self.place(labels),
            Command::Claim { boot, shards, seen } => self.claim(*boot, shards, seen),
            Command::Release { boot, shards } => self.release(*boot, shards),
            Command::Move { boot, shard, to } => self.begin_move(*boot, *shard, *to),
            Command::Moved { boot, shard, term } => self.end_move(*boot, *shard, *term),
            Command::Close { boot, name } => self.close(*boot, name),
            Command::Open { boot, name } => self.open(*boot, name),
            Command::Create { .. } | Command::Snapshot(_) => Err(Void::AlreadyCreated),
        }
    }

    fn create(&mut self, shards: u32) -> Changes {
        if self.shards > 0 {
            return Err(Void::AlreadyCreated);
        }
        if self.first != 1 {
            return Err(Void::NoBeginning);
        }
        if !(1..=MAX_SHARDS).contains(&shards) {
            return Err(Void::Shards(shards));
        }
        self.shards = shards;
        self.add_place(Labels::default());
        Ok(vec![Change::Created])
    }

    fn compare(&mut self, snapshot: &Snapshot) -> Changes {
        if snapshot.at().checked_add(1) != Some(self.applied) {
            return Err(Void::Late);
        }
        let state = Self::of_snapshot(snapshot).ok_or(Void::Differs)?;
        if self.shards == 0 {
            *self = Self {
                applied: self.applied,
                first: self.first,
                ..state
            };
        } else if !self.is_same(&state) {
            return Err(Void::Differs);
        }
        Ok(vec![Change::Snapshot])
    }

    fn join(&mut self, join: &Join) -> Changes {
        if self.boots.contains_key(&join.boot) || self.has_ended(join.boot) {
            return Err(Void::Known(join.boot));
        }
        if join.shards != self.shards {
            return Err(Void::OtherShards {
                cluster: self.shards,
                node: join.shards,
            });
        }
        let of_node = |boot: &Boot| boot.node == join.node;
        let living = self
            .boots
            .iter()
            .find(|(_, boot)| of_node(boot))
            .map(|(id, _)| *id);
        if let Some(living) = living
            && Some(living) != join.succeeds
        {
            return Err(Void::NodeTaken(living));
        }
        if join.node.len() > MAX_NAME || join.labels.len() > MAX_LABELS {
            return Err(Void::LongLabels);
        }
        if living.is_none() && self.boots.len() >= MAX_NODES {
            return Err(Void::TooManyNodes);
        }
        let mut changes = vec![Change::Joined(join.boot)];
        self.boots.insert(join.boot, Boot::new(join));
        if let Some(predecessor) = living {
            let inherits: Vec<_> = join
                .inherits
                .iter()
                .filter(|shard| self.is_whole(*shard, predecessor))
                .collect();
            changes.extend(self.end(predecessor, EndedBy::Successor(join.boot)));
            let freed = |change: &Change| matches!(change, Change::Freed(shard) if inherits.contains(shard));
            changes.retain(|change| !freed(change));
            changes.extend(
                inherits
                    .iter()
                    .filter_map(|shard| self.take(*shard, join.boot, Term::default())),
            );
        }
        Ok(changes)
    }

    fn renew(&mut self, boot: BootId, number: u64) -> Changes {
        let life = self.alive_mut(boot)?;
        if number <= life.renewal {
            return Err(Void::Later(life.renewal));
        }
        life.renewal = number;
        Ok(vec![Change::Renewed(boot, number)])
    }

    fn settle(&mut self, boot: BootId) -> Changes {
        let life = self.alive_mut(boot)?;
        match std::mem::replace(&mut life.is_settled, true) {
            true => Err(Void::Unchanged),
            false => Ok(vec![Change::Settled(boot)]),
        }
    }

    fn suspect(&mut self, by: BootId, boot: BootId, number: u64) -> Changes {
        let renewal = self.alive(boot)?.renewal;
        match renewal == number {
            true => Ok(self.end(boot, EndedBy::Suspicion(by))),
            false => Err(Void::Later(renewal)),
        }
    }

    fn drain(&mut self, boot: BootId) -> Changes {
        let life = self.alive_mut(boot)?;
        match std::mem::replace(&mut life.drains, true) {
            true => Err(Void::Unchanged),
            false => Ok(vec![Change::Drains(boot)]),
        }
    }

    fn place(&mut self, labels: &Labels) -> Changes {
        if self.knows(labels) {
            return Err(Void::Unchanged);
        }
        if labels.len() > MAX_LABELS {
            return Err(Void::LongLabels);
        }
        let shards = usize::try_from(self.shards).unwrap_or(usize::MAX);
        if self.labels.len() == MAX_PLACES || self.table.len().saturating_add(shards) > MAX_TABLE {
            return Err(Void::TooManyPlaces);
        }
        self.add_place(labels.clone());
        Ok(vec![Change::Placed(labels.clone())])
    }

    fn add_place(&mut self, labels: Labels) {
        self.labels.push(labels);
        let more = usize::try_from(self.shards).unwrap_or_default();
        self.table.resize(self.table.len() + more, Shard::default());
    }

    fn claim(&mut self, boot: BootId, shards: &ShardSet, seen: &[(ShardId, Term)]) -> Changes {
        self.alive(boot)?;
        let seen: BTreeMap<_, _> = seen.iter().copied().collect();
        let is_free = |shard: &ShardId| {
            self.shard(*shard)
                .is_some_and(|shard| shard.holder.is_none())
        };
        let free: Vec<_> = shards.iter().filter(is_free).collect();
        let floor = |shard| seen.get(shard).copied().unwrap_or_default();
        let taken: Vec<_> = free
            .iter()
            .filter_map(|shard| self.take(*shard, boot, floor(shard)))
            .collect();
        match taken.is_empty() {
            true => Err(Void::NotFree),
            false => Ok(taken),
        }
    }

    fn release(&mut self, boot: BootId, shards: &[(ShardId, Term)]) -> Changes {
        self.alive(boot)?;
        let mut freed = Vec::new();
        for &(id, term) in shards {
            let shard = self.table.get_mut(id.index());
            let held =
                |shard: &&mut Shard| shard.moving.is_none() && shard.holder == Some((boot, term));
            if let Some(shard) = shard.filter(held) {
                shard.holder = None;
                freed.push(Change::Freed(id));
            }
        }
        match (freed.is_empty(), shards.first()) {
            (true, Some((first, _))) => Err(Void::NotHolder(*first)),
            (true, None) => Err(Void::Unchanged),
            (false, _) => Ok(freed),
        }
    }

    fn begin_move(&mut self, boot: BootId, id: ShardId, to: BootId) -> Changes {
        self.alive(boot)?;
        self.alive(to)?;
        let shard = self.held_by(id, boot)?;
        if shard.moving.is_some() {
            return Err(Void::Moves(id));
        }
        if boot == to {
            return Err(Void::Unchanged);
        }
        let term = shard.highest.next().ok_or(Void::NoTerm(id))?;
        (shard.highest, shard.moving) = (term, Some(Moving { to, term }));
        Ok(vec![Change::Moves {
            shard: id,
            from: boot,
            to,
            term,
        }])
    }

    fn end_move(&mut self, boot: BootId, id: ShardId, term: Term) -> Changes {
        self.alive(boot)?;
        let shard = self.held_by(id, boot)?;
        let Some(Moving { to, .. }) = shard.moving.filter(|moving| moving.term == term) else {
            return Err(Void::DoesNotMove(id));
        };
        (shard.holder, shard.moving) = (Some((to, term)), None);
        Ok(vec![Change::Taken {
            shard: id,
            boot: to,
            term,
        }])
    }

    fn close(&mut self, boot: BootId, name: &ConnectionName) -> Changes {
        self.alive(boot)?;
        if self.closed.contains(name) {
            return Err(Void::Unchanged);
        }
        let bytes = self.closed_bytes + written(name);
        if bytes > MAX_CLOSED_BYTES {
            return Err(Void::TooManyClosed);
        }
        self.closed_bytes = bytes;
        self.closed.insert(name.clone());
        Ok(vec![Change::Closed(name.clone())])
    }

    fn open(&mut self, boot: BootId, name: &ConnectionName) -> Changes {
        self.alive(boot)?;
        if !self.closed.remove(name) {
            return Err(Void::Unchanged);
        }
        self.closed_bytes -= written(name);
        Ok(vec![Change::Opened(name.clone())])
    }

    fn alive(&self, boot: BootId) -> Result<&Boot, Void> {
        self.boots.get(&boot).ok_or(Void::NotAlive(boot))
    }

    fn alive_mut(&mut self, boot: BootId) -> Result<&mut Boot, Void> {
        self.boots.get_mut(&boot).ok_or(Void::NotAlive(boot))
    }

    fn held_by(&mut self, id: ShardId, boot: BootId) -> Result<&mut Shard, Void> {
        let shard = self.table.get_mut(id.index()).ok_or(Void::NoShard(id))?;
        match shard.holder {
            Some((holder, _)) if holder == boot => Ok(shard),
            _ => Err(Void::NotHolder(id)),
        }
    }

    /// Whether the boot holds the shard, and no part of it has crossed to another.
    fn is_whole(&self, shard: ShardId, boot: BootId) -> bool {
        let held = |shard: &Shard| {
            shard.moving.is_none() && shard.holder.is_some_and(|(holder, _)| holder == boot)
        };
        self.shard(shard).is_some_and(held)
    }

    /// Gives a free shard to a boot, with a token above all before it and above `floor`. Nothing
    /// happens if the tokens are used up.
    fn take(&mut self, id: ShardId, boot: BootId, floor: Term) -> Option<Change> {
        let shard = self.table.get_mut(id.index())?;
        let term = shard.highest.max(floor).next()?;
        (shard.holder, shard.highest) = (Some((boot, term)), term);
        Some(Change::Taken {
            shard: id,
            boot,
            term,
        })
    }

    /// Ends a boot. Its shards are free; one that moves goes on to where it moves, since the names
    /// that have crossed are there. A shard that moves to the boot stays, under a new token.
    fn end(&mut self, boot: BootId, by: EndedBy) -> Vec<Change> {
        let Some(life) = self.boots.remove(&boot) else {
            return Vec::new();
        };
        self.ended.push_back(boot);
        if self.ended.len() > MAX_ENDED {
            self.ended.pop_front();
        }
        let mut changes = vec![Change::Ended {
            boot,
            node: life.node,
            by,
        }];
        for (id, shard) in (0..).map(ShardId::from).zip(&mut self.table) {
            let Some((holder, _)) = shard.holder else {
                continue;
            };
            changes.extend(match shard.moving {
                _ if holder == boot => Some(shard.pass_on(id)),
                Some(moving) if moving.to == boot => Some(shard.keep(id, holder)),
                _ => None,
            });
        }
        changes
    }
}

impl Shard {
    /// The holder has ended.
    fn pass_on(&mut self, id: ShardId) -> Change {
        let to = self.moving.take().map(|moving| (moving.to, moving.term));
        self.holder = to;
        match to {
            Some((boot, term)) => Change::Taken {
                shard: id,
                boot,
                term,
            },
            None => Change::Freed(id),
        }
    }

    /// Who was to get the shard has ended.
    fn keep(&mut self, id: ShardId, holder: BootId) -> Change {
        self.moving = None;
        match self.highest.next() {
            Some(term) => {
                (self.holder, self.highest) = (Some((holder, term)), term);
                Change::Taken {
                    shard: id,
                    boot: holder,
                    term,
                }
            }
            // No token is left for names that have crossed and come back.
            None => {
                self.holder = None;
                Change::Freed(id)
            }
        }
    }
}

/// The bytes of a name in a snapshot, with its quotes and comma.
pub(super) fn written(name: &ConnectionName) -> usize {
    name.as_str().len() + 3
}
