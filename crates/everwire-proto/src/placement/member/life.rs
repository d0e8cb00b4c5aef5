//! One boot of this node.

use std::{collections::BTreeMap, time::Duration};

use super::super::{BootId, Clocks, Labels, ShardId, ShardSet, Term, lease::Lease};

/// What was appended and is not in the log after this time is appended again.
pub(super) const RETRY: Duration = Duration::from_secs(5);

/// One boot of this node, from its join to its end.
#[derive(Debug)]
pub(super) struct Life {
    pub boot: BootId,
    pub lease: Lease,
    pub has_joined: bool,
    /// The number of the last renewal that was sent; 0 is the join.
    pub number: u64,
    /// When it was sent.
    pub renewed: Duration,
    /// Whether it was seen.
    pub is_seen: bool,
    /// Whether the next one is due at once.
    pub renews_now: bool,
    /// When the last one was seen.
    pub seen: Duration,
    /// When the log said that it can be given shards.
    pub settled: Option<Duration>,
    pub settle_sent: Option<Duration>,
    pub claim_sent: Option<Duration>,
    pub place_sent: BTreeMap<Labels, Duration>,
    pub next_move: Duration,
    shards: BTreeMap<ShardId, Held>,
}

/// A shard of which this boot has all names or some.
#[derive(Debug)]
pub(super) struct Held {
    pub term: Term,
    /// From when on all names are this boot's; absent while another boot gives them one by one.
    pub all_from: Option<Duration>,
    /// Whether all names are this boot's.
    pub has_all: bool,
    /// Whether some are: those that were given to it, or those that it has not given.
    pub has_some: bool,
    pub gives: Option<Giving>,
    /// When the log was asked to move it.
    pub asked: Option<Duration>,
}

/// A shard that this boot gives.
#[derive(Debug)]
pub(super) struct Giving {
    pub to: BootId,
    pub term: Term,
    /// Whether it has begun.
    pub has_begun: bool,
    /// Whether all names have crossed.
    pub is_done: bool,
    /// When the log was told.
    pub told: Option<Duration>,
}

impl Held {
    /// Whether it has all names, and gives none.
    pub fn is_whole(&self) -> bool {
        self.has_all && self.gives.is_none()
    }
}

impl Life {
    pub fn new(boot: BootId, lease: Lease, now: Clocks) -> Self {
        Self {
            boot,
            lease,
            has_joined: false,
            number: 0,
            renewed: now.boot,
            is_seen: false,
            renews_now: false,
            seen: now.boot,
            settled: None,
            settle_sent: None,
            claim_sent: None,
            place_sent: BTreeMap::new(),
            next_move: now.boot,
            shards: BTreeMap::new(),
        }
    }

    /// A renewal, or the join, was seen.
    pub fn saw(&mut self, number: u64, now: Duration) {
        self.lease.seen(number);
        self.is_seen |= number == self.number;
        self.seen = now;
    }

    /// The token of a shard of which it has names.
    pub fn term(&self, shard: ShardId) -> Option<Term> {
        let held = self.shards.get(&shard)?;
        (held.has_all || held.has_some).then_some(held.term)
    }

    /// The token of a shard that another boot gives it name by name.
    pub fn receives(&self, shard: ShardId) -> Option<Term> {
        let held = self.shards.get(&shard)?;
        (held.has_some && !held.has_all).then_some(held.term)
    }

    pub fn shards(&mut self) -> impl Iterator<Item = (ShardId, &mut Held)> {
        self.shards.iter_mut().map(|(shard, held)| (*shard, held))
    }

    pub fn shard(&mut self, shard: ShardId) -> Option<&mut Held> {
        self.shards.get_mut(&shard)
    }

    /// The log gives it the shard: all names from this time on.
    pub fn grant(&mut self, shard: ShardId, term: Term, from: Duration) {
        let has_some = self.term(shard).is_some();
        self.shards.insert(
            shard,
            Held {
                term,
                all_from: Some(from),
                has_all: false,
                has_some,
                gives: None,
                asked: None,
            },
        );
    }

    /// Another boot gives it the shard, name by name.
    pub fn receive(&mut self, shard: ShardId, term: Term) {
        self.shards.insert(
            shard,
            Held {
                term,
                all_from: None,
                has_all: false,
                has_some: true,
                gives: None,
                asked: None,
            },
        );
    }

    /// Returns whether it had the shard.
    pub fn lose(&mut self, shard: ShardId) -> bool {
        self.shards.remove(&shard).is_some()
    }

    pub fn has_given(&mut self, shard: ShardId) {
        if let Some(giving) = self
            .shards
            .get_mut(&shard)
            .and_then(|held| held.gives.as_mut())
        {
            giving.is_done = true;
        }
    }

    /// What a successor may hold at once: what is held, and is not given.
    pub fn whole(&self) -> ShardSet {
        let whole = self.shards.iter().filter(|(_, held)| held.is_whole());
        whole.map(|(shard, _)| *shard).collect()
    }

    /// How many shards it gives.
    pub fn gives(&self) -> usize {
        self.shards
            .values()
            .filter(|held| held.gives.is_some())
            .count()
    }
}

/// Whether something is to be appended: it never was, or so long ago that it was lost.
pub(super) fn is_due(sent: Option<Duration>, now: Duration) -> bool {
    sent.is_none_or(|sent| now >= sent.saturating_add(RETRY))
}
