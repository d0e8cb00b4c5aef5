//! One node: what it appends to the log, what it holds, and until when it may write.

mod changes;
mod duties;
mod effect;
mod kept;
mod life;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use self::life::{Life, RETRY};
pub use self::{
    effect::{Effect, EndReason, OtherShards, Report},
    kept::Kept,
};
use super::{
    BootId, Clocks, Command, Labels, LeaseSettings, OutOfOrder, Places, Record, ShardId, Term, Void,
};

/// The longest time between two ticks in which the log counts as read without a break.
const LONGEST_TICK: Duration = Duration::from_secs(1);
/// The boots of this node that are remembered as having stopped.
const MOST_FORMER: usize = 64;

/// What one node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSettings {
    /// Its name.
    pub node: Box<str>,
    /// Its share, beside the weights of others.
    pub weight: u32,
    /// What it has, for names with a `place`.
    pub labels: Labels,
    /// How many shards each place has.
    pub shards: u32,
    /// Its lease.
    pub lease: LeaseSettings,
    /// How many names a second it moves, at most.
    pub moves: u32,
    /// After so many records the state is written down.
    pub snapshot_after: u64,
}

/// The time, and a random number.
#[derive(Clone, Copy, Debug)]
pub struct Here {
    /// What the clocks say.
    pub now: Clocks,
    /// A random number that was not given before.
    pub random: u64,
}

/// One node of a cluster.
///
/// It is given each record of the log in its order, and the time ten times a second. Between
/// [`Member::broken`] and [`Member::caught_up`] it takes nothing.
#[derive(Debug)]
pub struct Member {
    settings: MemberSettings,
    places: Places,
    life: Option<Life>,
    /// What the process before this one has left, as long as it may be of use.
    predecessor: Option<Kept>,
    /// Boots of this node that have stopped writing.
    former: VecDeque<BootId>,
    /// The highest token that this node has seen of each shard, whatever the log says now.
    seen: BTreeMap<ShardId, Term>,
    /// Since when the log is read without a break.
    clear_since: Option<Duration>,
    /// When the last renewal of each boot was seen.
    renewals: BTreeMap<BootId, Duration>,
    /// When each boot was suspected last.
    suspected: BTreeMap<BootId, Duration>,
    /// What names of this node ask for.
    wanted: BTreeSet<Labels>,
    /// Those for which the log has no place.
    refused_places: BTreeSet<Labels>,
    names: BTreeMap<ShardId, u32>,
    /// When something was appended last, to append it again.
    created: Option<Duration>,
    reported: Option<Duration>,
    /// It does not join before this time.
    rests_until: Duration,
    snapshot: u64,
    snapshot_since: Option<Duration>,
    /// Whether a node has asked for a snapshot.
    snapshot_wanted: bool,
    /// What was kept last.
    kept: Option<Kept>,
    /// Which boot is to hold each shard, if it was computed since the last change.
    chosen: Vec<Option<BootId>>,
    is_chosen: bool,
    last_tick: Clocks,
    /// It takes no further part.
    stopped: bool,
}

impl Member {
    /// A node whose process begins. `kept` is what the process before it has left, if that is known
    /// to have ended; its `until` must be absent if the machine was started since.
    pub fn new(settings: MemberSettings, kept: Option<Kept>, now: Clocks) -> Self {
        let former = kept
            .iter()
            .flat_map(|kept| kept.boots.iter().copied())
            .collect();
        Self {
            settings,
            places: Places::default(),
            life: None,
            predecessor: kept,
            former,
            seen: BTreeMap::new(),
            clear_since: None,
            renewals: BTreeMap::new(),
            suspected: BTreeMap::new(),
            wanted: BTreeSet::new(),
            refused_places: BTreeSet::new(),
            names: BTreeMap::new(),
            created: None,
            reported: None,
            rests_until: Duration::ZERO,
            snapshot: 0,
            snapshot_since: None,
            snapshot_wanted: false,
            kept: None,
            chosen: Vec::new(),
            is_chosen: false,
            last_tick: now,
            stopped: false,
        }
    }

    /// The next record of the log.
    ///
    /// # Errors
    ///
    /// [`OutOfOrder`] if it does not follow the last one.
    pub fn read(
        &mut self,
        number: u64,
        record: &Record,
        here: Here,
    ) -> Result<Vec<Effect>, OutOfOrder> {
        let mut effects = Vec::new();
        self.look(here, &mut effects);
        if self.stopped {
            return Ok(effects);
        }
        match record {
            Record::Command(command) => {
                let outcome = self.places.apply(number, command)?;
                self.applied(command, outcome, here, &mut effects);
            }
            Record::Unreadable => {
                self.places.pass(number)?;
            }
            Record::Newer(version) => self.stop(EndReason::Newer(*version), &mut effects),
        }
        Ok(effects)
    }

    /// All records that the log had are read.
    pub fn caught_up(&mut self, here: Here) -> Vec<Effect> {
        self.clear_since.get_or_insert(here.now.boot);
        // What was appended before may be lost, and the lease has gone on meanwhile.
        if let Some(life) = &mut self.life {
            life.renews_now = true;
        }
        self.tick(here)
    }

    /// The log may have gone back: the connection was lost, or the stream has another leader.
    pub fn broken(&mut self, here: Here) -> Vec<Effect> {
        self.clear_since = None;
        self.tick(here)
    }

    /// The next record was deleted: the node was away for too long. The log is read again from its
    /// first record.
    pub fn fell_behind(&mut self, here: Here) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.restart(EndReason::Behind, here, &mut effects);
        effects
    }

    /// The log has gone back: it ends below what was read, or the last record that was read is
    /// another one. The log is read again from its first record.
    pub fn went_back(&mut self, here: Here) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.restart(EndReason::WentBack, here, &mut effects);
        effects
    }

    /// The time goes on.
    pub fn tick(&mut self, here: Here) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.look(here, &mut effects);
        if !self.stopped && self.clear_since.is_some() {
            self.duties(here, &mut effects);
        }
        effects
    }

    /// All names of a shard have crossed, or their time is out.
    pub fn given(&mut self, shard: ShardId, here: Here) -> Vec<Effect> {
        if let Some(life) = &mut self.life {
            life.has_given(shard);
        }
        self.tick(here)
    }

    /// The node is to leave the cluster: it stops everything, and tells the others.
    pub fn leave(&mut self, here: Here) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.look(here, &mut effects);
        self.stop(EndReason::Leaving, &mut effects);
        effects
    }

    /// Names of this node ask for these labels.
    pub fn wants(&mut self, place: Labels) {
        self.wanted.insert(place);
    }

    /// A shard has so many names, which a move of it counts against `moves`.
    pub fn has_names(&mut self, shard: ShardId, names: u32) {
        self.names.insert(shard, names);
    }

    /// The state of the cluster, as far as this node has read.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The boot of this node, if it has joined.
    pub fn boot(&self) -> Option<BootId> {
        self.life
            .as_ref()
            .filter(|life| life.has_joined)
            .map(|life| life.boot)
    }

    /// Whether the log is read to its end, without a break since.
    pub fn is_clear(&self) -> bool {
        self.clear_since.is_some()
    }

    /// Whether it takes no further part.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// When the last renewal of a boot was read, by the clock since the start of the machine.
    pub fn renewal(&self, boot: BootId) -> Option<Duration> {
        self.renewals.get(&boot).copied()
    }

    /// No write may begin at this time or later by the clock since the start of the machine; `None`
    /// if none may begin now.
    ///
    /// Whoever writes compares it with that clock for each write.
    pub fn write_until(&self) -> Option<Duration> {
        let life = self.life.as_ref().filter(|life| life.has_joined)?;
        life.lease.write_until()
    }

    /// The token of a shard of which this node has names: all of them, those that were given to it, or
    /// those that it has not given.
    pub fn term(&self, shard: ShardId) -> Option<Term> {
        self.life.as_ref()?.term(shard)
    }

    /// Whether the word of a holder counts that gives a name of the shard under this token. It does not
    /// before this node has read that the shard moves to it, nor when it has all names: then it may
    /// have given the name to another.
    pub fn takes(&self, shard: ShardId, term: Term) -> bool {
        self.life
            .as_ref()
            .is_some_and(|life| life.receives(shard) == Some(term))
    }

    /// Looks at the clocks: a lease that has run out ends the boot, and a pause is a break.
    fn look(&mut self, here: Here, effects: &mut Vec<Effect>) {
        let pause = here.now.boot.saturating_sub(self.last_tick.boot);
        self.last_tick = here.now;
        if pause > LONGEST_TICK && self.clear_since.is_some() {
            self.clear_since = Some(here.now.boot);
        }
        let Some(life) = &mut self.life else {
            return;
        };
        life.lease.look(here.now);
        if life.lease.is_over(here.now) {
            self.end(EndReason::Lapsed, effects);
        }
    }

    /// Ends the boot: all stops first, and the log is told if it does not know.
    fn end(&mut self, reason: EndReason, effects: &mut Vec<Effect>) {
        let Some(life) = self.life.take() else {
            return;
        };
        effects.push(Effect::End(reason));
        if self.places.boot(life.boot).is_some() {
            effects.push(Effect::Append(Command::Leave { boot: life.boot }));
        }
        self.predecessor = None;
    }

    /// Takes no further part.
    fn stop(&mut self, reason: EndReason, effects: &mut Vec<Effect>) {
        match self.life {
            Some(_) => self.end(reason, effects),
            None => effects.push(Effect::End(reason)),
        }
        self.stopped = true;
    }

    /// Ends the boot, and forgets what was read.
    fn restart(&mut self, reason: EndReason, here: Here, effects: &mut Vec<Effect>) {
        self.look(here, effects);
        self.end(reason, effects);
        self.places = Places::default();
        self.clear_since = None;
        self.renewals.clear();
        self.suspected.clear();
        self.refused_places.clear();
        self.is_chosen = false;
        (self.created, self.snapshot, self.snapshot_since) = (None, 0, None);
        self.snapshot_wanted = false;
        effects.push(Effect::Reread);
    }

    /// The join was refused.
    fn refused(&mut self, void: &Void, here: Here, effects: &mut Vec<Effect>) {
        match *void {
            Void::OtherShards { cluster, node } => {
                self.stop(
                    EndReason::OtherShards(OtherShards { cluster, node }),
                    effects,
                );
            }
            // It has joined, and this is a copy.
            Void::Known(_) => {}
            _ => {
                effects.push(Effect::Report(Report::Refused(void.clone())));
                self.life = None;
                self.rests_until = here.now.boot.saturating_add(RETRY);
            }
        }
    }
}
