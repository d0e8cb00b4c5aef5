//! What the changes of the log mean for this node.

use super::{
    super::{Change, Command, Outcome, ShardId, Term, Void},
    Effect, EndReason, Here, Kept, Member, Report,
    life::Giving,
};

impl Member {
    pub(super) fn applied(
        &mut self,
        command: &Command,
        outcome: Outcome,
        here: Here,
        effects: &mut Vec<Effect>,
    ) {
        let me = self.life.as_ref().map(|life| life.boot);
        match (command, &outcome) {
            (Command::Join(join), Outcome::Void(void)) if Some(join.boot) == me => {
                self.refused(void, here, effects)
            }
            (Command::Claim { boot, .. }, _) => {
                // What was left over may be claimed at once.
                if let Some(life) = self.life.as_mut().filter(|life| life.boot == *boot) {
                    life.claim_sent = None;
                }
            }
            (Command::Place { labels }, Outcome::Void(Void::TooManyPlaces | Void::LongLabels))
                if self.wanted.contains(labels) && self.refused_places.insert(labels.clone()) =>
            {
                effects.push(Effect::Report(Report::NoPlace(labels.clone())));
            }
            // A node that cannot begin without it asks for a snapshot in this way.
            (Command::Create { .. }, Outcome::Void(Void::AlreadyCreated)) => {
                self.snapshot_wanted = true;
            }
            (Command::Create { .. }, Outcome::Void(Void::NoBeginning)) => {
                effects.push(Effect::Report(Report::Refused(Void::NoBeginning)));
            }
            (Command::Snapshot(_), Outcome::Void(Void::Differs)) => {
                effects.push(Effect::Report(Report::SnapshotDiffers));
            }
            _ => {}
        }
        // The predecessor has stopped, or the holder has given its word.
        let is_sure = match command {
            Command::Join(join) => Some(join.boot) == me,
            Command::Moved { .. } => true,
            _ => false,
        };
        for change in outcome.changes() {
            self.is_chosen &= matches!(change, Change::Renewed(..) | Change::Snapshot);
            self.changed(change, is_sure, here, effects);
        }
        self.keep(effects);
        self.hold(here, effects);
    }

    fn changed(&mut self, change: &Change, is_sure: bool, here: Here, effects: &mut Vec<Effect>) {
        let now = here.now.boot;
        match *change {
            Change::Joined(boot) => {
                self.renewals.insert(boot, now);
                if let Some(life) = self.life.as_mut().filter(|life| life.boot == boot) {
                    life.has_joined = true;
                    life.saw(0, now);
                    self.predecessor = None;
                }
                self.look(here, effects);
            }
            Change::Renewed(boot, number) => {
                self.renewals.insert(boot, now);
                if let Some(life) = self.life.as_mut().filter(|life| life.boot == boot) {
                    life.saw(number, now);
                }
                self.look(here, effects);
            }
            Change::Settled(boot) => {
                if let Some(life) = self.life.as_mut().filter(|life| life.boot == boot) {
                    life.settled = Some(now);
                }
            }
            Change::Ended { boot, by, .. } => {
                self.renewals.remove(&boot);
                self.suspected.remove(&boot);
                if self.life.as_ref().is_some_and(|life| life.boot == boot) {
                    self.end(EndReason::Ended(by), effects);
                }
            }
            Change::Taken { shard, boot, term } => {
                self.note(shard, term);
                match self.life.as_ref().is_some_and(|life| life.boot == boot) {
                    true => self.granted(shard, term, is_sure, here),
                    false => self.lose(shard, effects),
                }
            }
            Change::Freed(shard) => self.lose(shard, effects),
            Change::Moves {
                shard,
                from,
                to,
                term,
            } => {
                self.note(shard, term);
                let Some(life) = &mut self.life else {
                    return;
                };
                if life.boot == to {
                    life.receive(shard, term);
                    effects.push(Effect::Receive { shard, from, term });
                } else if life.boot == from
                    && let Some(held) = life.shard(shard)
                {
                    let (has_begun, is_done, told) = (false, false, None);
                    held.gives = Some(Giving {
                        to,
                        term,
                        has_begun,
                        is_done,
                        told,
                    });
                }
            }
            Change::Snapshot => {
                // Others read a little later: they find the records since the snapshot before.
                self.snapshot_wanted = false;
                let before = std::mem::replace(&mut self.snapshot, self.places.applied());
                if self.snapshot_since.take().is_some() && before > 0 {
                    effects.push(Effect::Purge(before));
                }
            }
            Change::Created
            | Change::Drains(_)
            | Change::Placed(_)
            | Change::Closed(_)
            | Change::Opened(_) => {}
        }
    }

    /// A shard is this boot's by the log. That is enough if its holder has given its word, or if the
    /// boot goes on from its predecessor. Otherwise it counts when the log was read without a break
    /// for long enough: a log that went back may have lost a holder that still writes.
    fn granted(&mut self, shard: ShardId, term: Term, is_sure: bool, here: Here) {
        let silence = self.silence();
        let Some(life) = &mut self.life else {
            return;
        };
        let clear_since = self.clear_since.unwrap_or(here.now.boot);
        let from = match is_sure {
            true => here.now.boot,
            false => clear_since.saturating_add(silence),
        };
        life.grant(shard, term, from);
    }

    /// Holds what was granted, when its time has come, and begins to give what is to move.
    pub(super) fn hold(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let Some(life) = self.life.as_mut().filter(|life| life.has_joined) else {
            return;
        };
        let mut begun = Vec::new();
        for (shard, held) in life.shards() {
            if !held.has_all && held.all_from.is_some_and(|from| here.now.boot >= from) {
                held.has_all = true;
                begun.push(Effect::Hold(shard, held.term));
            }
            if let Some(giving) = held
                .gives
                .as_mut()
                .filter(|giving| held.has_all && !giving.has_begun)
            {
                giving.has_begun = true;
                begun.push(Effect::Give {
                    shard,
                    to: giving.to,
                    term: giving.term,
                });
            }
        }
        if !begun.is_empty() {
            self.keep(effects);
            effects.extend(begun);
        }
    }

    fn lose(&mut self, shard: ShardId, effects: &mut Vec<Effect>) {
        if self.life.as_mut().is_some_and(|life| life.lose(shard)) {
            effects.push(Effect::Lose(shard));
        }
    }

    fn note(&mut self, shard: ShardId, term: Term) {
        let seen = self.seen.entry(shard).or_default();
        *seen = term.max(*seen);
    }

    /// Keeps what the next process of this node has to know, if it has changed.
    pub(super) fn keep(&mut self, effects: &mut Vec<Effect>) {
        let Some(life) = self.life.as_ref().filter(|life| life.has_joined) else {
            return;
        };
        let boots = self.former.iter().copied().collect();
        let kept = Kept {
            boots,
            until: life.lease.until(),
            holds: life.whole(),
        };
        if self.kept.as_ref() != Some(&kept) {
            self.kept = Some(kept.clone());
            effects.push(Effect::Keep(kept));
        }
    }
}
