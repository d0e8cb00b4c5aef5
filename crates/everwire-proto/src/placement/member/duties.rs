//! What a node does as the time goes on: join, renew, suspect, claim, move.

use std::time::Duration;

use super::{
    super::{
        BootId, Command, Join, Labels, ShardId, ShardSet, Term, VERSION, choose, lease::Lease,
    },
    Effect, Here, Kept, MOST_FORMER, Member, Report,
    life::{Held, Life, RETRY, is_due},
};

/// Nodes take turns at what one of them has to do: each waits so much longer than the one before.
const TURN: Duration = Duration::from_millis(150);
/// The longest that a node waits for its turn.
const LONGEST_TURN: Duration = Duration::from_millis(900);
/// A node that has settled waits so long for others that have not, before it claims.
const FOR_OTHERS: Duration = Duration::from_millis(500);
/// So many shards are on their way at once.
const MOST_MOVES: usize = 8;

impl Member {
    pub(super) fn duties(&mut self, here: Here, effects: &mut Vec<Effect>) {
        if self.life.is_none() {
            self.begin(here, effects);
        }
        self.suspect(here, effects);
        if self.life.as_ref().is_none_or(|life| !life.has_joined) {
            return self.join_again(here, effects);
        }
        self.renew(here, effects);
        self.settle(here, effects);
        self.hold(here, effects);
        self.place(here, effects);
        if !std::mem::replace(&mut self.is_chosen, true) {
            self.chosen = choose(&self.places);
        }
        self.claim(here, effects);
        self.tell(here, effects);
        self.give(here, effects);
        self.write_down(here, effects);
    }

    /// Begins a boot, if no other process of this node's name is alive.
    fn begin(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        if self.places.shards() == 0 {
            if is_due(self.created, now) {
                self.created = Some(now);
                effects.push(Effect::Append(Command::Create {
                    shards: self.settings.shards,
                }));
            }
            return;
        }
        if now < self.rests_until {
            return;
        }
        if let Some(twin) = self.twin().filter(|twin| !self.former.contains(twin)) {
            if is_due(self.reported, now) {
                self.reported = Some(now);
                effects.push(Effect::Report(Report::NodeTaken(twin)));
            }
            return;
        }
        let boot = BootId::new(here.random);
        let until = self
            .inherits()
            .and_then(|(until, _)| (now < until).then_some(until));
        self.life = Some(Life::new(
            boot,
            Lease::new(self.settings.lease, until, here.now),
            here.now,
        ));
        self.former.push_back(boot);
        if self.former.len() > MOST_FORMER {
            self.former.pop_front();
        }
        self.join(here, effects);
    }

    /// The boot of this node that lives, other than its own.
    fn twin(&self) -> Option<BootId> {
        let mine = self.life.as_ref().map(|life| life.boot);
        let of_node = self
            .places
            .boots()
            .filter(|(_, boot)| boot.node == self.settings.node);
        of_node.map(|(id, _)| id).find(|id| Some(*id) != mine)
    }

    /// Until when the predecessor's lease runs, and what it has held.
    fn inherits(&self) -> Option<(Duration, &ShardSet)> {
        let kept = self.predecessor.as_ref()?;
        Some((kept.until?, &kept.holds)).filter(|(_, holds)| !holds.is_empty())
    }

    fn join(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let succeeds = self.twin().filter(|twin| self.former.contains(twin));
        let inherited = self.inherits().map(|(until, holds)| (until, holds.clone()));
        let Some(life) = &mut self.life else {
            return;
        };
        life.lease.sent(0, here.now);
        life.renewed = here.now.boot;
        let inherited = inherited.filter(|_| life.lease.until().is_some());
        let settings = &self.settings;
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let join = Join {
            boot: life.boot,
            node: settings.node.clone(),
            weight: settings.weight,
            labels: settings.labels.clone(),
            lease_ms: millis(settings.lease.lease()),
            margin_ms: millis(settings.lease.margin()),
            shards: settings.shards,
            reads: VERSION,
            succeeds,
            inherits: inherited.map(|(_, holds)| holds).unwrap_or_default(),
        };
        // Until the join is seen, the next process may inherit what this one does.
        let boots = self.former.iter().copied().collect();
        let kept = Kept {
            boots,
            ..self.predecessor.clone().unwrap_or_default()
        };
        effects.push(Effect::Keep(kept));
        effects.push(Effect::Append(Command::Join(join)));
    }

    fn join_again(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let renewed = self.life.as_ref().map(|life| life.renewed);
        if renewed.is_some() && is_due(renewed, here.now.boot) {
            self.join(here, effects);
        }
    }

    fn renew(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let between = self.settings.lease.between_renewals();
        let Some(life) = &mut self.life else {
            return;
        };
        let wait = if life.is_seen { between } else { RETRY };
        // A doubt about the clocks ends with a new renewal.
        let is_doubted = life.is_seen && life.lease.write_until().is_none();
        let is_asked = std::mem::take(&mut life.renews_now);
        if is_asked || is_doubted || here.now.boot >= life.renewed.saturating_add(wait) {
            life.number += 1;
            (life.renewed, life.is_seen) = (here.now.boot, false);
            life.lease.sent(life.number, here.now);
            effects.push(Effect::Append(Command::Renew {
                boot: life.boot,
                number: life.number,
            }));
        }
    }

    /// Says that this boot can be given shards.
    fn settle(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        let has_settled = self.has_settled(here);
        if let Some(life) = &mut self.life
            && life.settled.is_none()
            && has_settled
            && is_due(life.settle_sent, now)
        {
            life.settle_sent = Some(now);
            effects.push(Effect::Append(Command::Settle { boot: life.boot }));
        }
    }

    /// Whether the log was read without a break for so long that everybody who is not in it has
    /// stopped.
    fn has_settled(&self, here: Here) -> bool {
        let wait = self.silence();
        self.clear_since
            .is_some_and(|since| here.now.boot >= since.saturating_add(wait))
    }

    /// The longest time after which a boot without a renewal has stopped.
    pub(super) fn silence(&self) -> Duration {
        let longest = self.places.boots().map(|(_, boot)| boot.silence()).max();
        longest
            .unwrap_or_default()
            .max(self.settings.lease.silence())
    }

    /// Ends boots that have not renewed their lease.
    fn suspect(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        let Some(clear_since) = self.clear_since else {
            return;
        };
        // The log may be silent for this node alone.
        let patience = self.settings.lease.lease() / 2;
        let joined = self.life.as_ref().filter(|life| life.has_joined);
        if joined.is_some_and(|life| now >= life.seen.saturating_add(patience)) {
            return;
        }
        let (mine, turn) = (self.life.as_ref().map(|life| life.boot), self.turn());
        for (id, boot) in self.places.boots().filter(|(id, _)| Some(*id) != mine) {
            let seen = self
                .renewals
                .get(&id)
                .copied()
                .unwrap_or(clear_since)
                .max(clear_since);
            let is_silent = now >= seen.saturating_add(boot.silence()).saturating_add(turn);
            if is_silent && is_due(self.suspected.get(&id).copied(), now) {
                self.suspected.insert(id, now);
                let by = mine.unwrap_or(BootId::new(here.random));
                effects.push(Effect::Append(Command::Suspect {
                    by,
                    boot: id,
                    number: boot.renewal,
                }));
            }
        }
    }

    /// How long this node waits for its turn, so that not all do the same at once.
    fn turn(&self) -> Duration {
        let mine = self.life.as_ref().map(|life| life.boot);
        let before = self
            .places
            .boots()
            .take_while(|(id, _)| Some(*id) != mine)
            .count();
        TURN.saturating_mul(u32::try_from(before).unwrap_or(u32::MAX))
            .min(LONGEST_TURN)
    }

    /// Tells the log what names of this node ask for.
    fn place(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let Some(life) = &mut self.life else {
            return;
        };
        let unknown = |labels: &&Labels| !self.places.knows(labels);
        for labels in self.wanted.iter().filter(unknown) {
            // The log has said that there is no place for it: that does not change.
            if self.refused_places.contains(labels) {
                continue;
            }
            if is_due(life.place_sent.get(labels).copied(), here.now.boot) {
                life.place_sent.insert(labels.clone(), here.now.boot);
                effects.push(Effect::Append(Command::Place {
                    labels: labels.clone(),
                }));
            }
        }
    }

    /// Claims what is free and chosen for this boot.
    fn claim(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        let has_settled = self.has_settled(here);
        let Some(life) = &mut self.life else {
            return;
        };
        let waited = life
            .settled
            .is_some_and(|settled| now >= settled.saturating_add(FOR_OTHERS));
        if !waited || !has_settled || !is_due(life.claim_sent, now) {
            return;
        }
        let boot = life.boot;
        let free: Vec<(ShardId, Term)> = self.to_claim(boot);
        if free.is_empty() {
            return;
        }
        let lost = |(id, highest): &(ShardId, Term)| {
            Some((*id, *self.seen.get(id).filter(|seen| *seen > highest)?))
        };
        let seen = free.iter().filter_map(lost).collect();
        let shards = free.iter().map(|(id, _)| *id).collect();
        effects.push(Effect::Append(Command::Claim { boot, shards, seen }));
        if let Some(life) = &mut self.life {
            life.claim_sent = Some(now);
        }
    }

    /// What is free and chosen for the boot, with the highest token that the log knows.
    fn to_claim(&self, boot: BootId) -> Vec<(ShardId, Term)> {
        let table = self.places.table().zip(&self.chosen);
        let free = table.filter(|((_, shard), chosen)| {
            shard.holder.is_none() && **chosen == Some(boot) && shard.highest.next().is_some()
        });
        free.map(|((id, shard), _)| (id, shard.highest)).collect()
    }

    /// Tells the log what has crossed.
    fn tell(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        let Some(life) = &mut self.life else {
            return;
        };
        let boot = life.boot;
        for (shard, held) in life.shards() {
            let done = held
                .gives
                .as_mut()
                .filter(|giving| giving.is_done && is_due(giving.told, now));
            if let Some(giving) = done {
                giving.told = Some(now);
                let term = giving.term;
                effects.push(Effect::Append(Command::Moved { boot, shard, term }));
            }
        }
    }

    /// Moves what is chosen for another.
    fn give(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        let Some(life) = &mut self.life else {
            return;
        };
        if now < life.next_move || life.gives() >= MOST_MOVES {
            return;
        }
        let (boot, chosen) = (life.boot, &self.chosen);
        let elsewhere = |(shard, held): (ShardId, &mut Held)| {
            let to = chosen.get(shard.index()).copied().flatten()?;
            let is_to_move = held.is_whole() && to != boot && is_due(held.asked, now);
            is_to_move.then(|| held.asked = Some(now))?;
            Some((shard, to))
        };
        let Some((shard, to)) = life.shards().find_map(elsewhere) else {
            return;
        };
        let names = self.names.get(&shard).copied().unwrap_or(1);
        let pace = Duration::from_secs(1) / self.settings.moves.max(1);
        life.next_move = now.saturating_add(pace.saturating_mul(names));
        effects.push(Effect::Append(Command::Move { boot, shard, to }));
    }

    /// Writes the state down after many records. A snapshot is void if another record came before
    /// it.
    fn write_down(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let records = self.places.applied().saturating_sub(self.snapshot);
        if records < self.settings.snapshot_after && !self.snapshot_wanted {
            return;
        }
        let now = here.now.boot;
        let turn = self.turn();
        let since = *self.snapshot_since.get_or_insert(now);
        if now >= since.saturating_add(turn) {
            self.snapshot_since = Some(now.saturating_add(RETRY));
            effects.push(Effect::Append(Command::Snapshot(Box::new(
                self.places.snapshot(),
            ))));
        }
    }
}
